"""Times the engine's step against the runtime's bare run and the official example's loop, a row of each in turn."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from movinet_edge.engine.litert import LiteRTSession
from movinet_edge.engine.model import Model
from movinet_edge.engine.native_log import captured_native_log
from movinet_edge.engine.scores import softmax

# Frames of one way in a row, so that it finds the processor's caches as its own loop would leave them; the first of
# each row are not counted, since they find those of the way before.
_ROW, _SETTLING = 20, 3
_STREAM_FPS = 5.0


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds per frame of one way to run a frame."""

    name: str
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """All figures of one run; `overhead_ms` and `speedup` are medians over rows of frames that ran in turn."""

    frames: int
    first_ms: float
    timings: tuple[Timing, ...]
    overhead_ms: float
    prepared_overhead_ms: float
    speedup: float
    streams_per_core: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def measure(model: Model, *, frames: int) -> Measurement:
    """Run `frames` frames in each way, one after the other; about 4 × `frames` times the model's own time."""
    width, height = model.size_px
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    tensor = picture.astype(np.float32) / np.float32(255.0)
    state = model.new_state()
    began = time.perf_counter()
    model.step(picture, state)
    first_ms = (time.perf_counter() - began) * 1e3
    ways: dict[str, Callable[[], object]] = {
        "step: picture to scores": lambda: model.step(picture, state),
        "step_tensor: the same without preparing": lambda: model.step_tensor(tensor, state),
        "runtime's bare run": _bare_run(model, tensor),
        "official example's loop": _example_loop(model, picture),
    }
    rows = -(-frames // _ROW)
    times = {name: np.empty((rows, _ROW)) for name in ways}
    for row in range(rows):
        for name, run in ways.items():
            for column in range(-_SETTLING, _ROW):
                began = time.perf_counter()
                run()
                if column >= 0:
                    times[name][row, column] = (time.perf_counter() - began) * 1e3
    # Rows stand beside each other in time, so the differences between them are not those of a machine that drifts.
    step, prepared, bare, example = (np.median(t, axis=1) for t in times.values())
    return Measurement(
        frames=rows * _ROW,
        first_ms=first_ms,
        timings=tuple(Timing(name, *np.percentile(t, (50, 95, 99)).tolist()) for name, t in times.items()),
        overhead_ms=float(np.median(step - bare)),
        prepared_overhead_ms=float(np.median(prepared - bare)),
        speedup=float(np.median(example / step)),
        streams_per_core=1000.0 / _STREAM_FPS / float(np.median(step)),
    )


def _bare_run(model: Model, tensor: NDArray[np.float32]) -> Callable[[], object]:
    """The runtime alone, again and again on the same buffers, which hold the same picture."""
    session = model.session
    if isinstance(session, LiteRTSession):
        key, compiled = session.interface.signature, session.compiled
        index = compiled.get_signature_index(key)
        names = compiled.get_signature_list()[key]
        inputs = [compiled.create_input_buffer_by_name(key, name) for name in names["inputs"]]
        outputs = [compiled.create_output_buffer_by_name(key, name) for name in names["outputs"]]
        for name, buffer in zip(names["inputs"], inputs, strict=True):
            spec = compiled.get_input_tensor_details(key)[name]
            value = tensor if name == model.interface.image.key else np.zeros(spec["shape"], spec["dtype"])
            buffer.write(value)
        call = (session.handles(inputs), session.handles(outputs))  # the form that the engine itself hands over
        return lambda: session.invoke(index, *call)
    interpreter = _interpreter(model)
    interpreter.allocate_tensors()
    invoke: Callable[[], object] = interpreter.invoke
    return invoke


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
    with captured_native_log():
        if isinstance(model.session, LiteRTSession):
            from ai_edge_litert.interpreter import Interpreter

            return Interpreter(model_path=str(model.path), num_threads=model.runtime.threads)
        from tflite_runtime.interpreter import Interpreter as PlainInterpreter

        return PlainInterpreter(model_path=str(model.path), num_threads=model.runtime.threads)
