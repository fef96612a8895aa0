"""The TFLite interpreter, for machines without LiteRT: one copy of the states a frame, two where streams take turns."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from movinet_edge.engine.interface import StateSpec, TensorSpec, read_interface
from movinet_edge.engine.pools import GraphPools
from movinet_edge.engine.session import RuntimeInfo


class InterpreterTensors(GraphPools):
    """One stream's states. While the stream was the last to run they stay in the interpreter, else they rest here."""

    def __init__(self, session: "InterpreterSession") -> None:
        super().__init__(session.interface.pools)
        self._session = session
        self.values = {s.name: np.zeros(s.source.shape, s.source.dtype) for s in session.moving}

    def clear(self) -> None:
        """All states to zero."""
        self.clear_sums()
        self._session.release(self)
        for value in self.values.values():
            value.fill(0)

    def read(self, state: StateSpec) -> NDArray[Any]:
        """The value that goes into the next frame, flat."""
        return self._session.resting(self, state).reshape(-1).copy()

    def write(self, state: StateSpec, value: NDArray[Any]) -> None:
        """Replace the value that goes into the next frame."""
        np.copyto(self._session.resting(self, state).reshape(-1), value)


class InterpreterSession:
    """A model file in a TFLite interpreter; serves tflite-runtime and LiteRT's own interpreter alike."""

    def __init__(self, interpreter: Any, *, name: str, version: str, threads: int, file: str) -> None:
        self.interpreter = interpreter
        details = {}
        for key in interpreter.get_signature_list():
            runner = interpreter.get_signature_runner(key)
            details[key] = (runner.get_input_details(), runner.get_output_details())
            del runner  # it would count as a reference to the interpreter's memory
        signatures = {key: (_specs(ins), _specs(outs)) for key, (ins, outs) in details.items()}
        self.interface = read_interface(signatures, file)
        indices, results = (
            {key: detail["index"] for key, detail in side.items()} for side in details[self.interface.signature]
        )
        interpreter.allocate_tensors()
        self.moving = [state for state in self.interface.states if not state.passes_through]
        self._into = {s.name: interpreter.tensor(indices[s.source.key]) for s in self.moving}
        self._out_of = {s.name: interpreter.tensor(results[s.result.key]) for s in self.moving}
        self._still = [interpreter.tensor(indices[s.source.key]) for s in self.interface.states if s.passes_through]
        self._image = interpreter.tensor(indices[self.interface.image.key])
        self._logits = interpreter.tensor(results[self.interface.logits.key])
        self._resident: InterpreterTensors | None = None
        self.image: NDArray[np.float32] = np.zeros(self.interface.image.shape, np.float32)
        self.runtime = RuntimeInfo(name, version, threads, delegates(interpreter))
        for still in self._still:
            still().fill(0)

    def new_tensors(self) -> InterpreterTensors:
        """States for one more stream."""
        return InterpreterTensors(self)

    def resting(self, tensors: InterpreterTensors, state: StateSpec) -> NDArray[Any]:
        """Where the state's next value lies now."""
        if self._resident is tensors and state.name in self._out_of:
            view: NDArray[Any] = self._out_of[state.name]()
            return view
        return tensors.values[state.name]

    def release(self, tensors: InterpreterTensors) -> None:
        """The interpreter's outputs are no longer this stream's states."""
        if self._resident is tensors:
            self._resident = None

    def run(self, tensors: InterpreterTensors) -> NDArray[np.float32]:
        """One frame."""
        if self._resident is tensors:
            for name, into in self._into.items():
                np.copyto(into(), self._out_of[name]())
        else:
            if self._resident is not None:
                for name, value in self._resident.values.items():
                    np.copyto(value, self._out_of[name]())
            for name, value in tensors.values.items():
                np.copyto(self._into[name](), value)
        np.copyto(self._image(), self.image)
        self.interpreter.invoke()
        self._resident = tensors
        tensors.take_sums()
        logits: NDArray[np.float32] = self._logits()[0].copy()
        return logits


def delegates(interpreter: Any) -> bool:
    """True when the interpreter gave operators to a delegate, which on a CPU is XNNPACK."""
    interpreter.allocate_tensors()
    return _delegated(interpreter) > 0


def partitions(content: bytes) -> int:
    """How many pieces of a file's graph LiteRT gives to XNNPACK."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    return _delegated(interpreter)


def _delegated(interpreter: Any) -> int:
    # The public way to see this is a profile; the list of operators has been there since TFLite 2.5.
    return sum(operator["op_name"] == "DELEGATE" for operator in interpreter._get_ops_details())  # noqa: SLF001


def _specs(details: dict[str, dict[str, Any]]) -> list[TensorSpec]:
    return [TensorSpec.of(key, d["shape"], d["dtype"], d["name"]) for key, d in details.items()]
