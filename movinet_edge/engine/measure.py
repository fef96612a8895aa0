"""Times the engine's step against the runtime's bare run and the official example's loop; threads and streams too."""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from movinet_edge.engine.litert import LiteRTSession
from movinet_edge.engine.measure_rows import Timing, in_turn
from movinet_edge.engine.model import Model
from movinet_edge.engine.native_log import captured_native_log
from movinet_edge.engine.rewrite import HostedInterpreterSession, HostedSession
from movinet_edge.engine.scores import softmax
from movinet_edge.engine.tflite import InterpreterSession

STREAM_FPS = 5.0
"""Frames per second that every streaming MoViNet is made for."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """All figures of one run; `overhead_ms` and `speedup` are medians over rows of frames that ran in turn."""

    frames: int
    timings: tuple[Timing, ...]
    overhead_ms: float
    prepared_overhead_ms: float
    speedup: float
    streams_per_core: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class StreamsCost:
    """What several streams of one model cost.

    Attributes:
        streams: how many took turns.
        ratio: their time per frame ÷ that of one stream alone.
        megabytes: resident memory that each further stream took, 10⁶ bytes; None where the system does not tell.
    """

    streams: int
    ratio: float
    megabytes: float | None


def first_frame_ms(model: Model) -> float:
    """Milliseconds of a frame, of which nothing is warm when the model has just been loaded."""
    step = stepper(model)
    began = time.perf_counter()
    step()
    return (time.perf_counter() - began) * 1e3


def measure(model: Model, *, frames: int) -> Measurement:
    """Run `frames` frames in each way, a row of each in turn; about 4 × `frames` times the model's own time."""
    picture = _picture(model)
    tensor = picture.astype(np.float32) / np.float32(255.0)
    state = model.new_state()
    times_ms = in_turn(
        {
            "step: picture to scores": lambda: model.step(picture, state),
            "step_tensor: the same without preparing": lambda: model.step_tensor(tensor, state),
            "runtime's bare run": _bare_run(model),
            "official example's loop": _example_loop(model, picture),
        },
        frames,
    )
    step, prepared, bare, example = (np.median(t, axis=1) for t in times_ms.values())
    return Measurement(
        frames=next(iter(times_ms.values())).size,
        timings=tuple(Timing.of(name, t) for name, t in times_ms.items()),
        overhead_ms=float(np.median(step - bare)),
        prepared_overhead_ms=float(np.median(prepared - bare)),
        speedup=float(np.median(example / step)),
        streams_per_core=1000.0 / STREAM_FPS / float(np.median(step)),
    )


def measure_threads(models: Mapping[int, Model], *, frames: int) -> tuple[Timing, ...]:
    """`step` of the same file loaded with different numbers of threads, in turn."""
    ways: dict[str, Callable[[], object]] = {}
    for threads, model in models.items():
        ways[f"{threads} thread{'s' if threads > 1 else ''}"] = stepper(model)
    return tuple(Timing.of(name, t) for name, t in in_turn(ways, frames).items())


def measure_streams(model: Model, *, streams: int, frames: int) -> StreamsCost:
    """Let streams take turns with one model, beside one stream alone.

    Call it before much else has run in the process: memory that something gave back would hide what a stream needs.
    """
    alone = stepper(model)
    alone()
    gc.collect()
    before_bytes = _resident_bytes()
    others = [stepper(model) for _ in range(streams - 1)]
    for step in others:
        step()
    after_bytes = _resident_bytes()
    megabytes = None
    if others and before_bytes is not None and after_bytes is not None:
        megabytes = (after_bytes - before_bytes) / len(others) / 1e6
    turn = 0
    every = [alone, *others]

    def next_stream() -> object:
        nonlocal turn
        turn = (turn + 1) % len(every)
        return every[turn]()

    times_ms = in_turn({"one": alone, "in turn": next_stream}, frames)
    one, several = (np.median(t, axis=1) for t in times_ms.values())
    return StreamsCost(streams, float(np.median(several / one)), megabytes)


def stepper(model: Model) -> Callable[[], object]:
    """`step` of one stream on a picture that stays the same."""
    picture, state = _picture(model), model.new_state()
    return lambda: model.step(picture, state)


def _picture(model: Model) -> NDArray[np.uint8]:
    width_px, height_px = model.size_px
    return np.random.default_rng(0).integers(0, 256, (height_px, width_px, 3), np.uint8)


def _resident_bytes() -> int | None:
    try:
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def _bare_run(model: Model) -> Callable[[], object]:
    """The runtime alone, again and again on the same buffers, which hold the picture that was the last to be scored."""
    session = model.session
    if isinstance(session, InterpreterSession | HostedInterpreterSession):
        invoke: Callable[[], object] = session.interpreter.invoke
        return invoke
    if not isinstance(session, LiteRTSession | HostedSession):
        raise TypeError(f"nothing is known of how {type(session).__name__} runs")
    index = session.index if isinstance(session, HostedSession) else session.signature_index
    invoke_on, tensors = session.invoke, session.new_tensors()
    call = tensors.next_call()

    def run(_owner: object = tensors) -> object:  # the buffers live as long as their owner
        return invoke_on(index, *call)

    return run


def _example_loop(model: Model, picture: NDArray[np.uint8]) -> Callable[[], object]:
    """What the official Raspberry Pi example does for a frame once it is resized, in our own words."""
    runner = _interpreter(model).get_signature_runner(model.interface.signature)
    states = {s.source.key: np.zeros(s.source.shape, s.source.dtype) for s in model.interface.states}
    feeds = {s.result.key: s.source.key for s in model.interface.states}
    image, logits = model.interface.image, model.interface.logits

    def loop() -> object:
        outputs = runner(**states, **{image.key: (picture.astype(np.float32) / 255.0)[np.newaxis, np.newaxis]})
        scores = softmax(outputs.pop(logits.key)[0])
        for key, value in outputs.items():
            states[feeds[key]] = value
        return scores

    return loop


def _interpreter(model: Model) -> Any:
    """The untouched file in the interpreter of the library that runs the model."""
    with captured_native_log():
        if model.runtime.name.startswith("LiteRT"):
            from ai_edge_litert.interpreter import Interpreter

            return Interpreter(model_path=str(model.path), num_threads=model.runtime.threads)
        from tflite_runtime.interpreter import Interpreter as PlainInterpreter

        return PlainInterpreter(model_path=str(model.path), num_threads=model.runtime.threads)
