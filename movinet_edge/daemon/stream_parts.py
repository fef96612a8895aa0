"""Builds one stream's pipeline from its settings and a loaded model; used by the daemon and by `classify` alike."""

from collections.abc import Mapping
from pathlib import Path

from movinet_edge.actions import ActionDetector, ActionRule, Ema, RollingMean, RollingMedian, Smoother, WatchList
from movinet_edge.api import ModelInfo
from movinet_edge.config import (
    ActionSettings,
    EmaSmoothing,
    MeanSmoothing,
    MedianSmoothing,
    Smoothing,
    StreamSettings,
    Thresholds,
)
from movinet_edge.daemon.pipeline import OnScores, Pipeline
from movinet_edge.daemon.snapshots import Snapshots
from movinet_edge.daemon.stream_events import EventMaker
from movinet_edge.engine import Model

# How long a score stays over `off` after the action's end, as a share of the window: median 0.56 over ten clips shown
# between two others (0.2 to 0.84). See tests/benchmarks/latency.py.
END_LAG_SHARE = 0.55

# A cumulative memory never forgets, so no silence makes it outdated sooner than the default window would be.
_CUMULATIVE_GAP_S = 5.0
# For streams scored at every frame, whose pace is not known before they run.
_ASSUMED_FPS = 5.0


def watch_list(
    actions: Mapping[str, ActionSettings], every_label: Thresholds | None, labels: tuple[str, ...]
) -> WatchList:
    """What to watch for among the model's labels.

    Raises:
        UnknownLabel: an action names a label that the model does not have.
    """
    if every_label is not None:
        return WatchList.every_label(labels, _rule("every label", ("*",), every_label))
    return WatchList.compile([_rule(name, action.labels, action) for name, action in actions.items()], labels)


def _rule(name: str, labels: tuple[str, ...], thresholds: Thresholds) -> ActionRule:
    return ActionRule(
        name=name,
        labels=labels,
        on=thresholds.on,
        off=thresholds.off,
        min_duration_s=thresholds.min_duration_s,
        max_gap_s=thresholds.max_gap_s,
        cooldown_s=thresholds.cooldown_s,
        max_duration_s=thresholds.max_duration_s,
        update_every_s=thresholds.update_every_s,
    )


def smoother(settings: Smoothing) -> Smoother:
    """The smoother that the settings name."""
    match settings:
        case EmaSmoothing():
            return Ema(settings.half_life_s)
        case MeanSmoothing():
            return RollingMean(settings.over_s)
        case MedianSmoothing():
            return RollingMedian(settings.over_s)
        case _:
            return Ema(0.0)


def build_pipeline(
    name: str,
    settings: StreamSettings,
    model: Model,
    watch: WatchList,
    *,
    on_scores: OnScores | None = None,
    state_dir: Path | None = None,
) -> Pipeline:
    """One stream's pipeline; without a `state_dir` it takes no snapshots."""
    window_s = settings.window / (settings.fps or _ASSUMED_FPS)
    windowed = settings.memory == "window"
    state = model.new_state(memory=settings.memory, window=settings.window, fit=settings.fit, roi=settings.roi)
    detector = ActionDetector(
        watch,
        smoother(settings.smoothing),
        warm_up_s=settings.warm_up_s,
        end_lag_s=END_LAG_SHARE * window_s if windowed else 0.0,
    )
    info = ModelInfo(
        name=model.name,
        memory=settings.memory,
        window=settings.window if windowed else None,
        fps=settings.fps,
    )
    return Pipeline(
        name,
        model,
        state,
        detector,
        EventMaker(name, info),
        fps=settings.fps,
        # Two frame periods at least, so that a window of one frame does not call every pause between frames a gap.
        gap_s=max(window_s, 2.0 / (settings.fps or _ASSUMED_FPS)) if windowed else _CUMULATIVE_GAP_S,
        on_scores=on_scores,
        watches_all=settings.all_labels is not None,
        snapshots=_snapshots(name, settings, state_dir),
    )


def _snapshots(name: str, settings: StreamSettings, state_dir: Path | None) -> Snapshots | None:
    wanted = settings.snapshot
    if wanted is None or state_dir is None:
        return None
    return Snapshots(state_dir / "snapshots" / name, width_px=wanted.width, quality=wanted.quality)
