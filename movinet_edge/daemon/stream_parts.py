"""Builds one stream's pipeline from its settings and a loaded model; used by the daemon and by `classify` alike."""

from collections.abc import Mapping

from movinet_edge.actions import ActionDetector, ActionRule, Ema, RollingMean, RollingMedian, Smoother, WatchList
from movinet_edge.api import ModelInfo
from movinet_edge.config import (
    ActionSettings,
    EmaSmoothing,
    MeanSmoothing,
    MedianSmoothing,
    Smoothing,
    SnapshotSettings,
    StreamSettings,
    Thresholds,
)
from movinet_edge.daemon.evidence import EvidencePlan, StreamEvidence
from movinet_edge.daemon.evidence_writer import EvidenceWriter
from movinet_edge.daemon.motion_gate import MotionGate
from movinet_edge.daemon.pipeline import OnScores, Pipeline
from movinet_edge.daemon.stream_events import EventMaker
from movinet_edge.engine import Model
from movinet_edge.evidence import Mask

# How long a score stays over `off` after the action's end, as a share of the window: with it the estimated end has a
# median error of nothing over eleven clips shown between two others. See tests/benchmarks/latency.py.
END_LAG_SHARE = 0.45

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


def build_detector(settings: StreamSettings, watch: WatchList) -> ActionDetector:
    """What decides on starts and stops as the stream's settings have it."""
    return ActionDetector(
        watch,
        smoother(settings.smoothing),
        warm_up_s=settings.warm_up_s,
        end_lag_s=END_LAG_SHARE * _window_s(settings) if settings.memory == "window" else 0.0,
    )


def _window_s(settings: StreamSettings) -> float:
    return settings.window / (settings.fps or _ASSUMED_FPS)


def build_pipeline(
    name: str,
    settings: StreamSettings,
    model: Model,
    watch: WatchList,
    *,
    on_scores: OnScores | None = None,
    evidence: EvidenceWriter | None = None,
) -> Pipeline:
    """One stream's pipeline; without `evidence` it keeps nothing that shows its events."""
    window_s = _window_s(settings)
    windowed = settings.memory == "window"
    state = model.new_state(memory=settings.memory, window=settings.window, fit=settings.fit, roi=settings.roi)
    detector = build_detector(settings, watch)
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
        evidence=_evidence(settings, watch, evidence),
        mask=Mask(settings.mask) if settings.mask else None,
        gate=_gate(settings, window_s),
    )


def _gate(settings: StreamSettings, window_s: float) -> MotionGate | None:
    wanted = settings.motion_gate
    if wanted is None:
        return None
    # Until the memory holds nothing but the still scene, its scores may change.
    return MotionGate(wanted.threshold, max(wanted.still_after_s, window_s), wanted.every_s)


def _evidence(settings: StreamSettings, watch: WatchList, writer: EvidenceWriter | None) -> StreamEvidence | None:
    picture = settings.snapshot or SnapshotSettings()
    plan = EvidencePlan(
        keep={name: action.evidence for name, action in settings.actions.items() if action.evidence is not None},
        otherwise=settings.keep,
        width_px=picture.width,
        quality=picture.quality,
        pre_roll_s=settings.clip.pre_roll_s,
        post_roll_s=settings.clip.post_roll_s,
        longest_s=settings.clip.longest_s,
        lead_s=max(rule.min_duration_s for rule in watch.rules),
        quiet_hours=settings.quiet_hours,
        masked=bool(settings.mask),
    )
    return None if writer is None or plan.most == "none" else StreamEvidence(plan, writer)
