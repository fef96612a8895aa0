"""Runs a rewritten file in LiteRT's interpreter, for processors on which a CompiledModel would end the process.

The interpreter's tensors have their places, so past frames are copied into them: some three megabytes a frame for A0,
a small part of what the file saves.
"""

import importlib.metadata
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from movinet_edge.engine.interface import ModelInterface
from movinet_edge.engine.native_log import captured_native_log
from movinet_edge.engine.pools import HostPools
from movinet_edge.engine.rewrite.host import HostPlan, empty_state, pools_in_order
from movinet_edge.engine.rewrite.refused import RewriteRefused
from movinet_edge.engine.rewrite.rewriting import SIGNATURE, Rewritten
from movinet_edge.engine.session import RuntimeInfo
from movinet_edge.engine.tflite import delegates


class HostedInterpreterTensors(HostPools):
    """One stream's past frames, oldest first, its whole states, and its pools' sums and count."""

    def __init__(self, session: "HostedInterpreterSession") -> None:
        super().__init__([pool.channels for pool in session.pools])
        plan = session.plan
        self.rings = [deque(empty_state(ring) for _ in ring.inputs) for ring in plan.rings]
        self.whole = [empty_state(state) for state in plan.whole]
        self._plan = plan

    def clear(self) -> None:
        """All states as before the first frame."""
        self.clear_sums()
        for ring, frames in zip(self._plan.rings, self.rings, strict=True):
            for frame in frames:
                frame.fill(ring.empty)
        for state, value in zip(self._plan.whole, self.whole, strict=True):
            value.fill(state.empty)


class HostedInterpreterSession:
    """A rewritten file in an interpreter; `interface` is that of the untouched file."""

    def __init__(self, rewritten: Rewritten, interface: ModelInterface, threads: int = 1) -> None:
        """Load it.

        Raises:
            RewriteRefused: the runtime does not take the file.
        """
        from ai_edge_litert.interpreter import Interpreter

        self.plan: HostPlan = rewritten.plan
        self.interface = interface
        self.pools = pools_in_order(self.plan, interface)
        self.image: NDArray[np.float32] = np.zeros(interface.image.shape, np.float32)
        with captured_native_log():
            try:
                self.interpreter = Interpreter(model_content=rewritten.content, num_threads=threads)
                self._find_tensors()
            except (RuntimeError, ValueError) as error:
                raise RewriteRefused(f"the runtime cannot load the rewritten file: {error}") from error
            xnnpack = delegates(self.interpreter)
        version = importlib.metadata.version("ai-edge-litert")
        self.runtime = RuntimeInfo("LiteRT interpreter", version, threads, xnnpack, rewritten=True)

    def _find_tensors(self) -> None:
        runner = self.interpreter.get_signature_runner(SIGNATURE)
        ins, outs = (
            {key: detail["index"] for key, detail in side.items()}
            for side in (runner.get_input_details(), runner.get_output_details())
        )
        del runner  # it would count as a reference to the interpreter's memory
        self.interpreter.allocate_tensors()
        view, plan = self.interpreter.tensor, self.plan
        self._image, self._logits = view(ins[plan.image]), view(outs[plan.logits])
        self._count = view(ins[plan.count]) if plan.count is not None else None
        self._totals = [view(ins[pool.total]) for pool in self.pools]
        self._contributions = [view(outs[pool.contribution]) for pool in self.pools]
        self._past = [[view(ins[key]) for key in ring.inputs] for ring in plan.rings]
        self._newest = [view(outs[ring.newest]) for ring in plan.rings]
        self._whole = [(view(ins[state.state]), view(outs[state.state])) for state in plan.whole]

    def new_tensors(self) -> HostedInterpreterTensors:
        """States for one more stream."""
        return HostedInterpreterTensors(self)

    def run(self, tensors: HostedInterpreterTensors) -> NDArray[np.float32]:
        """One frame: `image` and the stream's states in, a new float32 `[classes]` array of logits out."""
        tensors.count += 1
        self._feed(tensors)
        self.interpreter.invoke()
        for newest, frames in zip(self._newest, tensors.rings, strict=True):
            np.copyto(frames[0], newest())
            frames.rotate(-1)
        for (_, came), value in zip(self._whole, tensors.whole, strict=True):
            np.copyto(value, came())
        for contribution, added in zip(self._contributions, tensors.added, strict=True):
            np.copyto(added, contribution().reshape(-1))
        tensors.sums += tensors.contributions
        logits: NDArray[np.float32] = self._logits().reshape(-1).copy()
        return logits

    def _feed(self, tensors: HostedInterpreterTensors) -> None:
        np.copyto(self._image(), self.image.reshape(self.plan.image_shape))
        if self._count is not None:
            self._count().fill(tensors.count)
        for total, value in zip(self._totals, tensors.totals, strict=True):
            _into(total, value)
        for past, frames in zip(self._past, tensors.rings, strict=True):
            for place, frame in zip(past, frames, strict=True):
                np.copyto(place(), frame)
        for (place, _), state in zip(self._whole, tensors.whole, strict=True):
            np.copyto(place(), state)


def _into(place: Any, value: NDArray[Any]) -> None:
    np.copyto(place().reshape(-1), value)
