"""Runs video files through the whole path in one thread, for `classify`: source plugin, pipeline, events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from movinet_edge.api import ActionEvent, ConfigurationError, SourceEnded, SourceRejected, StopReason
from movinet_edge.cli.occurrences import Findings
from movinet_edge.config import StreamSettings, load_actions
from movinet_edge.daemon.plugins import discover_plugins
from movinet_edge.daemon.stream_parts import build_pipeline, watch_list
from movinet_edge.engine import Fit, Memory, Model

OnFrame = Callable[[float, NDArray[np.float32]], None]


@dataclass(slots=True)
class Totals:
    """What all runs together did. `seconds` are of video."""

    frames_read: int = 0
    frames_scored: int = 0
    seconds: float = 0.0
    events: int = 0


class ClipRun:
    """Classifies files with one model and one set of actions."""

    def __init__(
        self,
        model: Model,
        *,
        actions_file: Path | None = None,
        memory: Memory = "window",
        window: int = 25,
        fps: float | None = 5.0,
        fit: Fit = "stretch",
        skip_loop_filter: bool = False,
    ) -> None:
        """`actions_file`: None watches for every label.

        Raises:
            ConfigurationError: the actions cannot be used with this model.
        """
        self.model, self.totals = model, Totals()
        actions = {} if actions_file is None else load_actions(actions_file)
        self._settings = StreamSettings.model_validate(
            {
                "name": "classify",
                "source": {"type": "file"},
                "fps": "native" if fps is None else fps,
                "memory": memory,
                "window": window,
                "fit": fit,
                **({"actions": actions} if actions else {"all_labels": True}),
            }
        )
        self._source_options: dict[str, object] = {"pace": "fast", "skip_loop_filter": skip_loop_filter}
        problems = []
        for name, action in actions.items():
            try:
                watch_list({name: action}, None, model.labels)
            except ValueError as error:  # an unknown label, or times that exclude each other
                problems.append(f"{actions_file}: {error}")
        if problems:
            raise ConfigurationError("\n".join(problems))
        self._watch = watch_list(self._settings.actions, self._settings.all_labels, model.labels)

    def classify(
        self,
        name: str,
        videos: Sequence[Path],
        *,
        concat: bool,
        on_frame: OnFrame,
        on_event: Callable[[ActionEvent], None],
        keep_scores: bool,
    ) -> Findings:
        """One stream of one or more videos, the actions of which end with it.

        Args:
            name: the stream's name in events.
            videos: files, or folders of them.
            concat: what one file leaves in memory is there for the next; otherwise each begins afresh.
            on_frame: called with the stream clock and the scores float32 `[classes]` of each scored frame.
            on_event: called with each event.
            keep_scores: whether the findings get the scores of the actions, for a timeline or a plot.

        Raises:
            SourceRejected: none of them is a video.
        """
        findings = Findings(tuple(rule.name for rule in self._watch.rules))

        def scored(_stream: str, time_s: float, scores: NDArray[np.float32]) -> None:
            on_frame(time_s, scores)
            if keep_scores:
                findings.add_scores(time_s, pipeline.detector.smoothed)

        pipeline = build_pipeline(name, self._settings, self.model, self._watch, on_scores=scored)
        plugin = discover_plugins().find("source", "file").plugin_class()
        source = plugin(plugin.Settings(path=list(videos), concat=concat, **self._source_options))
        last_s = None
        try:
            for frame in source.frames(pipeline.request):
                last_s = frame.time_s
                self._tell(pipeline.feed(frame), findings, on_event)
        except SourceEnded:
            pass
        finally:
            source.close()
        self._tell(pipeline.end(StopReason.SOURCE_LOST), findings, on_event)
        self.totals.frames_read += source.frames_read
        self.totals.frames_scored += pipeline.figures.scored
        if last_s is None:
            raise SourceRejected(f"{name}: no frame could be read")
        self.totals.seconds += last_s + last_s / max(1, pipeline.figures.scored - 1)
        return findings

    def _tell(self, events: list[ActionEvent], findings: Findings, on_event: Callable[[ActionEvent], None]) -> None:
        for event in events:
            self.totals.events += 1
            findings.add(event)
            on_event(event)
