"""LiteRT's CompiledModel: two sets of buffers per stream that swap their places, so that no state is ever copied."""

import contextlib
import importlib.metadata
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from movinet_edge.engine.interface import ModelInterface, StateSpec, TensorSpec, read_interface
from movinet_edge.engine.native_log import NativeLog, captured_native_log
from movinet_edge.engine.pools import GraphPools
from movinet_edge.engine.session import RuntimeInfo

# What CompiledModel calls the signature of a file that has none.
_NO_SIGNATURE = "<placeholder signature>"


class LiteRTTensors(GraphPools):
    """One stream's buffers: what goes in now comes out of the next call, and the other way round."""

    def __init__(self, session: "LiteRTSession") -> None:
        super().__init__(session.interface.pools)
        self._session = session  # must outlive the buffers, see its __del__
        model, interface = session.compiled, session.interface
        key = interface.signature
        front, back = {}, {}
        for state in interface.states:
            front[state.name] = model.create_input_buffer_by_name(key, state.source.key)
            back[state.name] = model.create_output_buffer_by_name(key, state.result.key)
        self._zeros = {s.name: np.zeros(int(np.prod(s.source.shape)), s.source.dtype) for s in interface.states}
        # Where the graph hands a state through untouched there is nothing to swap.
        swapped = {s.name for s in interface.states if not s.passes_through}
        even = (front, back)
        odd = (
            {name: back[name] if name in swapped else front[name] for name in front},
            {name: front[name] if name in swapped else back[name] for name in back},
        )
        self._turns = [
            (
                ins,
                session.handles(ins.get(name, session.image_buffer) for name in session.input_order),
                session.handles(outs.get(name, session.logits_buffer) for name in session.output_order),
            )
            for ins, outs in (even, odd)
        ]
        self._turn = 0
        self.clear()

    def __del__(self) -> None:
        with contextlib.suppress(Exception), captured_native_log():  # see LiteRTSession.__del__
            self._turns = []

    def clear(self) -> None:
        """All states to zero."""
        self.clear_sums()
        for name, buffer in self._turns[self._turn][0].items():
            buffer.write(self._zeros[name])

    def read(self, state: StateSpec) -> NDArray[Any]:
        """The value that goes into the next frame, flat."""
        buffer = self._turns[self._turn][0][state.name]
        value: NDArray[Any] = buffer.read(self._zeros[state.name].size, state.source.dtype)
        return value

    def write(self, state: StateSpec, value: NDArray[Any]) -> None:
        """Replace the value that goes into the next frame."""
        self._turns[self._turn][0][state.name].write(value)

    def next_call(self) -> tuple[list[Any], list[Any]]:
        """What the session's `invoke` takes for the next call; after it, its outputs are the inputs."""
        _, inputs, outputs = self._turns[self._turn]
        self._turn ^= 1
        return inputs, outputs


class LiteRTSession:
    """A model file compiled by LiteRT for the CPU."""

    def __init__(self, path: str, threads: int) -> None:
        from ai_edge_litert.compiled_model import CompiledModel, CpuOptions, Options
        from ai_edge_litert.interpreter import Interpreter

        with captured_native_log() as log:
            # The interpreter verifies the file within a millisecond; on a truncated one CompiledModel ends the process.
            Interpreter(model_path=path, num_threads=1)
            self.compiled = CompiledModel.from_file(path, options=Options(cpu_options=CpuOptions(num_threads=threads)))
            self.interface = self._read_interface(path)
            key = self.interface.signature
            self.signature_index = self.compiled.get_signature_index(key)
            signature = self.compiled.get_signature_list()[key]
            names = {state.source.key: state.name for state in self.interface.states}
            self.input_order = [names.get(name, "") for name in signature["inputs"]]
            names = {state.result.key: state.name for state in self.interface.states}
            self.output_order = [names.get(name, "") for name in signature["outputs"]]
            self.image_buffer = self.compiled.create_input_buffer_by_name(key, self.interface.image.key)
            self.logits_buffer = self.compiled.create_output_buffer_by_name(key, self.interface.logits.key)
            self.image: NDArray[np.float32] = np.zeros(self.interface.image.shape, np.float32)
            self.image_buffer.write(self.image)  # the first write makes an environment, and that is loud
        # run_by_index unwraps every buffer anew at each call, 88 of them; its own inner call takes them unwrapped.
        unwrapped_call = getattr(getattr(self.compiled, "_model", None), "RunByIndex", None)
        self._unwrapped = unwrapped_call is not None
        self.invoke = unwrapped_call or self.compiled.run_by_index
        version = importlib.metadata.version("ai-edge-litert")
        self.runtime = RuntimeInfo("LiteRT", version, threads, self._xnnpack(path, log))

    def __del__(self) -> None:
        # The runtime prints a line for each accelerator that it lets go with the last buffer.
        with contextlib.suppress(Exception), captured_native_log():
            self.image_buffer = self.logits_buffer = self.compiled = self.invoke = None

    def _read_interface(self, path: str) -> ModelInterface:
        model = self.compiled
        signatures = {}
        for key in model.get_signature_list():
            if key == _NO_SIGNATURE:
                continue
            signatures[key] = (
                _specs(model.get_input_tensor_details(key)),
                _specs(model.get_output_tensor_details(key)),
            )
        return read_interface(signatures, path)

    @staticmethod
    def _xnnpack(path: str, log: NativeLog) -> bool:
        if "XNNPACK delegate" in log:
            return True
        # The runtime may be built without that line; its interpreter tells which operators it gave away.
        from ai_edge_litert.interpreter import Interpreter

        from movinet_edge.engine.tflite import delegates

        with captured_native_log():
            return delegates(Interpreter(model_path=path, num_threads=1))

    def new_tensors(self) -> LiteRTTensors:
        """States for one more stream; about as many bytes as the states have, twice."""
        return LiteRTTensors(self)

    def handles(self, buffers: Iterable[Any]) -> list[Any]:
        """The buffers in the form that `invoke` takes."""
        return [buffer.capsule if self._unwrapped else buffer for buffer in buffers]

    def run(self, tensors: LiteRTTensors) -> NDArray[np.float32]:
        """One frame."""
        self.image_buffer.write(self.image)
        self.invoke(self.signature_index, *tensors.next_call())
        tensors.take_sums()
        logits: NDArray[np.float32] = self.logits_buffer.read(self.interface.classes, np.float32)
        return logits


def _specs(details: dict[str, dict[str, Any]]) -> list[TensorSpec]:
    return [TensorSpec.of(key, d["shape"], d["dtype"], d["name"]) for key, d in details.items()]
