"""Puts together how the daemon stands, from the parts that know it."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from movinet_edge.api import ActionStatus, ModelStatus, SinkStatus, StreamState, StreamStatus
from movinet_edge.daemon.advice import advice
from movinet_edge.daemon.pipeline import Pipeline
from movinet_edge.daemon.stream_runner import StreamRunner
from movinet_edge.daemon.turns import Turns
from movinet_edge.delivery import DeliveryWorker, Outbox
from movinet_edge.engine import Model


def stream_status(runner: StreamRunner, pipeline: Pipeline, turns: Turns) -> StreamStatus:
    """One stream. Of a stream that watches all labels only the active actions are listed."""
    now_s = time.monotonic()
    figures = pipeline.figures
    state = runner.state
    health = runner.meter.health(now_s, frame_s=runner.frame_s).model_copy(
        update={
            "fps_wanted": pipeline.request.fps,
            "scored": figures.scored,
            "dropped": {"engine busy": turns.dropped(runner.stream), "unusable": figures.unusable},
            "gaps": figures.gaps,
            "reconnects": runner.reconnects,
            "hanging": runner.hanging,
        }
    )
    return StreamStatus(
        name=runner.stream,
        state=state,
        reason=runner.reason,
        since=datetime.now(UTC) - timedelta(seconds=max(0.0, now_s - runner.since_s)),
        actions=action_statuses(pipeline),
        snapshots=pipeline.evidence is not None,
        health=health,
        # Of a stream that stands still, or that takes its pace from us, the figures say nothing.
        advice=tuple(advice(health)) if state is StreamState.LIVE and not runner.waits_for_us else (),
    )


def action_statuses(pipeline: Pipeline) -> tuple[ActionStatus, ...]:
    """The actions that a stream watches for."""
    detector = pipeline.detector
    active = set(detector.active)
    return tuple(
        ActionStatus(
            name=name,
            on=pipeline.thresholds[name][0],
            off=pipeline.thresholds[name][1],
            active=name in active,
            score=round(float(score), 4),
        )
        for name, score in zip(detector.watched, detector.smoothed, strict=True)
        if name in active or not pipeline.watches_all
    )


def model_statuses(models: Iterable[Model]) -> tuple[ModelStatus, ...]:
    """Each model once, however many streams share it."""
    return tuple(
        ModelStatus(
            name=model.name,
            runtime=str(model.runtime),
            rewritten=model.fast.used,
            refused=model.fast.refused,
            reason=model.fast.reason,
        )
        for model in {id(model.session): model for model in models}.values()
    )


def sink_status(worker: DeliveryWorker, outbox: Outbox) -> SinkStatus:
    """One sink."""
    stats = worker.stats
    return SinkStatus(
        name=worker.name,
        state=stats.state.value,
        pending=outbox.pending(worker.name),
        delivered=stats.delivered,
        rejected=stats.rejected,
        dropped=outbox.dropped(worker.name),
        last_error=stats.last_error,
    )
