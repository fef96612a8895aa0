"""Runs a rewritten file in LiteRT and does the host's part: counts, sums the pools, turns the frames' buffers round."""

import contextlib
import importlib.metadata
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from movinet_edge.engine.gpu_library import why_not_compiled_model
from movinet_edge.engine.interface import ModelInterface
from movinet_edge.engine.native_log import captured_native_log
from movinet_edge.engine.pools import HostPools
from movinet_edge.engine.rewrite.host import FrameRing, HostPlan, WholeState, empty_state, pools_in_order
from movinet_edge.engine.rewrite.refused import RewriteRefused
from movinet_edge.engine.rewrite.rewriting import SIGNATURE, Rewritten
from movinet_edge.engine.session import RuntimeInfo
from movinet_edge.engine.tflite import delegates


class HostedTensors(HostPools):
    """One stream's past frames, as buffers that change places, and its pools' sums and count, as NumPy arrays."""

    def __init__(self, session: "HostedSession") -> None:
        super().__init__([pool.channels for pool in session.pools])
        self._session = session  # must outlive the buffers
        plan, model = session.plan, session.compiled
        rings = [_ring_buffers(model, ring) for ring in plan.rings]
        whole = [
            (
                model.create_input_buffer_by_name(SIGNATURE, s.state),
                model.create_output_buffer_by_name(SIGNATURE, s.state),
            )
            for s in plan.whole
        ]
        self._buffers = [*rings, *map(list, whole)]
        period = math.lcm(2 if whole else 1, *(len(buffers) for buffers in rings))
        self._turns = [session.handles_of_turn(turn, rings, whole) for turn in range(period)]
        self._turn = 0
        self.clear()

    def __del__(self) -> None:
        with contextlib.suppress(Exception), captured_native_log():  # the runtime talks when a buffer goes
            self._turns = []
            self._buffers = []

    def clear(self) -> None:
        """All states as before the first frame."""
        self.clear_sums()
        for buffers, value in zip(self._buffers, self._session.empty, strict=True):
            for buffer in buffers:
                buffer.write(value)

    def next_call(self) -> tuple[list[Any], list[Any]]:
        """What `invoke` takes for the next call."""
        call = self._turns[self._turn]
        self._turn = (self._turn + 1) % len(self._turns)
        return call


class HostedSession:
    """A rewritten file compiled by LiteRT for the CPU; `interface` is that of the untouched file."""

    def __init__(self, rewritten: Rewritten, interface: ModelInterface, threads: int = 1) -> None:
        """Load it.

        Raises:
            RewriteRefused: the runtime does not take the file, or must not be started on this processor.
        """
        obstacle = why_not_compiled_model()
        if obstacle is not None:
            raise RewriteRefused(obstacle)
        self.plan: HostPlan = rewritten.plan
        self.interface = interface
        self.pools = pools_in_order(self.plan, interface)
        self.image: NDArray[np.float32] = np.zeros(interface.image.shape, np.float32)
        states: list[FrameRing | WholeState] = [*self.plan.rings, *self.plan.whole]
        self.empty = [empty_state(state).reshape(-1) for state in states]
        """What a frame of each ring and each whole state is as before the first frame; streams share it, a megabyte."""
        self._content = rewritten.content  # the runtime may read weights from it for as long as it runs
        with captured_native_log() as log:
            try:
                self._load(threads)
            except (RuntimeError, ValueError) as error:
                raise RewriteRefused(f"the runtime cannot load the rewritten file: {error}") from error
            xnnpack = "XNNPACK delegate" in log or self._delegates()
        version = importlib.metadata.version("ai-edge-litert")
        self.runtime = RuntimeInfo("LiteRT", version, threads, xnnpack, rewritten=True)

    def _load(self, threads: int) -> None:
        from ai_edge_litert.compiled_model import CompiledModel, CpuOptions, Options

        options = Options(cpu_options=CpuOptions(num_threads=threads))
        self.compiled = CompiledModel.from_buffer(self._content, options=options)
        self.index = self.compiled.get_signature_index(SIGNATURE)
        self._order = self.compiled.get_signature_list()[SIGNATURE]
        plan = self.plan
        self._image, self._logits = self._input(plan.image), self._output(plan.logits)
        self._count = self._input(plan.count) if plan.count else None
        self._totals = [self._input(pool.total) for pool in self.pools]
        self._contributions = [self._output(pool.contribution) for pool in self.pools]
        self._image.write(self.image)  # the first write makes an environment, and that is loud
        # run_by_index unwraps every buffer anew at each call; its own inner call takes them unwrapped.
        unwrapped_call = getattr(getattr(self.compiled, "_model", None), "RunByIndex", None)
        self._unwrapped = unwrapped_call is not None
        self.invoke = unwrapped_call or self.compiled.run_by_index

    def __del__(self) -> None:
        with contextlib.suppress(Exception), captured_native_log():
            self._totals, self._contributions = [], []
            self._image = self._logits = self._count = self.compiled = self.invoke = None

    def _delegates(self) -> bool:
        from ai_edge_litert.interpreter import Interpreter

        return delegates(Interpreter(model_content=self._content, num_threads=1))

    def _input(self, key: str) -> Any:
        return self.compiled.create_input_buffer_by_name(SIGNATURE, key)

    def _output(self, key: str) -> Any:
        return self.compiled.create_output_buffer_by_name(SIGNATURE, key)

    def new_tensors(self) -> HostedTensors:
        """States for one more stream."""
        return HostedTensors(self)

    def run(self, tensors: HostedTensors) -> NDArray[np.float32]:
        """One frame: `image` and the stream's states in, a new float32 `[classes]` array of logits out."""
        tensors.count += 1
        self._image.write(self.image)
        if self._count is not None:
            self._count.write(np.full(1, tensors.count, np.float32))
        for buffer, total in zip(self._totals, tensors.totals, strict=True):
            buffer.write(total)
        self.invoke(self.index, *tensors.next_call())
        for buffer, added in zip(self._contributions, tensors.added, strict=True):
            added[:] = buffer.read(added.size, np.float32)
        tensors.sums += tensors.contributions
        logits: NDArray[np.float32] = self._logits.read(self.plan.classes, np.float32)
        return logits

    def handles_of_turn(
        self, turn: int, rings: list[list[Any]], whole: list[tuple[Any, Any]]
    ) -> tuple[list[Any], list[Any]]:
        """Inputs and outputs of the call in the order of the signature, when buffers have moved on `turn` times."""
        plan = self.plan
        ins: dict[str, Any] = {plan.image: self._image}
        outs: dict[str, Any] = {plan.logits: self._logits}
        if plan.count is not None:
            ins[plan.count] = self._count
        for pool, total, contribution in zip(self.pools, self._totals, self._contributions, strict=True):
            ins[pool.total], outs[pool.contribution] = total, contribution
        for ring, buffers in zip(plan.rings, rings, strict=True):
            ins |= {key: buffers[(turn + place) % len(buffers)] for place, key in enumerate(ring.inputs)}
            outs[ring.newest] = buffers[(turn - 1) % len(buffers)]
        for state, pair in zip(plan.whole, whole, strict=True):
            ins[state.state], outs[state.state] = pair if turn % 2 == 0 else pair[::-1]
        inputs, outputs = (self._order[side] for side in ("inputs", "outputs"))
        return self._handles(ins[key] for key in inputs), self._handles(outs[key] for key in outputs)

    def _handles(self, buffers: Iterable[Any]) -> list[Any]:
        return [buffer.capsule if self._unwrapped else buffer for buffer in buffers]


def _ring_buffers(model: Any, ring: FrameRing) -> list[Any]:
    buffers = [model.create_input_buffer_by_name(SIGNATURE, key) for key in ring.inputs]
    return [*buffers, model.create_output_buffer_by_name(SIGNATURE, ring.newest)]
