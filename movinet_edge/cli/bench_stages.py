"""Takes a clip through source, preprocessing, model and actions, and notes the time of each, for `bench`."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from movinet_edge.api import Frame, SourceRejected
from movinet_edge.config import StreamSettings
from movinet_edge.daemon.plugins import discover_plugins
from movinet_edge.daemon.stream_parts import build_pipeline, watch_list
from movinet_edge.engine import Model
from movinet_edge.engine.measure import STREAM_FPS
from movinet_edge.engine.scores import softmax

DEMO_CLIP = Path(__file__).resolve().parent / "demo.mp4"


@dataclass(frozen=True, slots=True)
class Stages:
    """Mean milliseconds per scored frame.

    Attributes:
        clip: the video's name.
        frames_read, frames_scored: of the video; five of each second are scored.
        decode: reading the file, decoding all frames between two scored ones, scaling the scored one.
        convert: the picture into the model's input.
        infer: the model, its memory included.
        actions: smoothing, start and stop of every label.
    """

    clip: str
    frames_read: int
    frames_scored: int
    decode_ms: float
    convert_ms: float
    infer_ms: float
    actions_ms: float

    @property
    def total_ms(self) -> float:
        """All of them."""
        return self.decode_ms + self.convert_ms + self.infer_ms + self.actions_ms

    @property
    def streams_per_core(self) -> float:
        """How many such clips one core keeps up with."""
        return 1000.0 / STREAM_FPS / self.total_ms


def measure_stages(model: Model, clip: Path) -> Stages:
    """Run all of a clip, as fast as this machine can.

    Raises:
        SourceRejected: the clip is no video; the text names it.
    """
    settings = StreamSettings.model_validate({"name": "bench", "source": {"type": "file"}, "all_labels": True})
    pipeline = build_pipeline("bench", settings, model, watch_list({}, settings.all_labels, model.labels))
    plugin = discover_plugins().find("source", "file").plugin_class()
    source = plugin(plugin.Settings(path=clip, pace="fast"))
    state = model.new_state()
    prepared = np.empty(model.interface.image.shape, np.float32)
    seconds = np.zeros(4)
    frames: Iterator[Frame] = iter(source.frames(pipeline.request))
    scored, began = 0, time.perf_counter()
    try:
        for frame in frames:
            decoded = time.perf_counter()
            state.preprocessor.into(frame.image, frame.colour, prepared[0, 0])
            converted = time.perf_counter()
            scores = softmax(model.step_tensor(prepared, state))
            inferred = time.perf_counter()
            pipeline.detector.step(frame.time_s, scores)
            decided = time.perf_counter()
            seconds += np.diff((began, decoded, converted, inferred, decided))
            scored += 1
            began = time.perf_counter()
    except SourceRejected as error:
        raise SourceRejected(f"{clip}: {error}") from error
    finally:
        source.close()
    if not scored:
        raise SourceRejected(f"{clip}: no frame could be read")
    return Stages(clip.name, source.frames_read, scored, *(seconds / scored * 1e3).tolist())
