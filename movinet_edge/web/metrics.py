"""The figures of `status` as Prometheus reads them, and what is counted as it happens."""

import time
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from movinet_edge.api import ActionEvent, DaemonStatus, StreamState
from movinet_edge.daemon.diagnosis import heat_c, throttled_bits
from movinet_edge.daemon.observers import ScoredFrame
from movinet_edge.web.daemon import Daemon

_INFERENCE_BUCKETS_S = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0)
"""From A0 on a computer to A2 on an old Raspberry Pi; 0.2 s is all the time there is at 5 fps."""

_LATENCY_BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0)

_NOW = 0xF
"""The bits of the Raspberry Pi's firmware that speak of now; those above speak of the time since boot."""


_Values: TypeAlias = Sequence[tuple[tuple[str, ...], float]]
"""The values of the labels, and what was measured."""


class Histograms:
    """What is counted as it happens. Methods may be called from any thread."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self._inference = Histogram(
            "movinet_edge_inference_seconds",
            "Time that the model took for a frame.",
            ("stream",),
            buckets=_INFERENCE_BUCKETS_S,
            registry=self.registry,
        )
        self._latency = Histogram(
            "movinet_edge_event_latency_seconds",
            "From the frame that decided an event to the event's being on disk.",
            ("stream",),
            buckets=_LATENCY_BUCKETS_S,
            registry=self.registry,
        )
        self._events = Counter(
            "movinet_edge_events",
            "Events that were stored; those of the type stop with the reason.",
            ("stream", "action", "type", "reason"),
            registry=self.registry,
        )

    def scored(self, seen: ScoredFrame) -> None:
        """A frame was scored."""
        self._inference.labels(seen.stream).observe(seen.step_s)

    def stored(self, event: ActionEvent) -> None:
        """An event was stored."""
        reason = "" if event.reason is None else event.reason.value
        self._events.labels(event.stream, event.action, event.event_type.value, reason).inc()
        if reason in ("", "below"):  # others are decided without a frame
            decided_s = event.started_at.timestamp() + event.time_s - event.started_s
            self._latency.labels(event.stream).observe(max(0.0, time.time() - decided_s))


class StatusCollector:
    """Turns a `DaemonStatus` into metrics whenever somebody asks."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def describe(self) -> Iterator[Metric]:
        """Nothing before it is asked for."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """All figures."""
        status = self._daemon.commands.status()
        yield _gauge("info", "The daemon.", ("version",), [((status.version,), 1)])
        yield _gauge("start_time_seconds", "When it was started.", (), [((), status.started_at.timestamp())])
        yield _counter("lost_events", "Events that could not be stored.", (), [((), status.lost_events)])
        bits = throttled_bits()
        if bits is not None:
            slow = float(bool(bits & _NOW))
            yield _gauge("throttled", "1 while a Raspberry Pi slows itself down.", (), [((), slow)])
        heat = heat_c()
        if heat is not None:
            yield _gauge("temperature_celsius", "Of the processor.", (), [((), heat)])
        well = [((s.name,), float(self._daemon.is_well(s))) for s in status.streams]
        yield _gauge("stream_well", "1 while the stream gives frames, or is not expected to.", ("stream",), well)
        yield from _stream_metrics(status)
        yield from _sink_metrics(status)


def _stream_metrics(status: DaemonStatus) -> Iterator[Metric]:
    streams = status.streams
    states = [((s.name, state.value), float(s.state is state)) for s in streams for state in StreamState]
    yield _gauge("stream_state", "1 for the state that a stream is in.", ("stream", "state"), states)
    gauges = (
        ("frame_age_seconds", "Since the newest frame came.", "frame_age_s"),
        ("frames_in_per_second", "Frames that arrive.", "fps_in"),
        ("frames_scored_per_second", "Frames that the model looks at.", "fps_scored"),
        ("frames_wanted_per_second", "Frames that it is to look at.", "fps_wanted"),
        ("source_cpu_cores", "Share of a core that reading takes.", "source_cpu"),
        ("readers_hanging", "Readers that were left behind and have not ended.", "hanging"),
    )
    for name, text, field in gauges:
        values = [((s.name,), getattr(s.health, field)) for s in streams if getattr(s.health, field) is not None]
        yield _gauge(name, text, ("stream",), values)
    counters = (
        ("frames_read", "Frames that arrived.", "read"),
        ("frames_scored", "Frames that the model looked at.", "scored"),
        ("gaps", "Times that the model had to forget, because frames were missing.", "gaps"),
        ("reconnects", "Times that the source was opened again.", "reconnects"),
        ("readers_abandoned", "Readers that hung and were left behind.", "abandoned"),
    )
    for name, text, field in counters:
        yield _counter(name, text, ("stream",), [((s.name,), getattr(s.health, field)) for s in streams])
    dropped = [((s.name, reason), count) for s in streams for reason, count in s.health.dropped.items()]
    yield _counter("frames_dropped", "Frames that were due and not scored.", ("stream", "reason"), dropped)
    actions = [(s.name, action) for s in streams for action in s.actions]
    for name, text, field in (
        ("action_active", "1 while the action goes on.", "active"),
        ("action_score", "The newest smoothed score.", "score"),
        ("action_threshold", "The score over which the action begins.", "on"),
    ):
        of_actions = [((stream, action.name), float(getattr(action, field))) for stream, action in actions]
        yield _gauge(name, text, ("stream", "action"), of_actions)


def _sink_metrics(status: DaemonStatus) -> Iterator[Metric]:
    sinks = status.sinks
    yield _gauge("sink_pending_events", "Events that wait for it.", ("sink",), [((s.name,), s.pending) for s in sinks])
    states = [((s.name, s.state), 1) for s in sinks]
    yield _gauge("sink_state", "1 for the state that a sink is in.", ("sink", "state"), states)
    outcomes = [
        ((s.name, outcome), count)
        for s in sinks
        for outcome, count in (("delivered", s.delivered), ("rejected", s.rejected), ("dropped", s.dropped))
    ]
    yield _counter("sink_events", "What became of events.", ("sink", "outcome"), outcomes)


def _gauge(name: str, text: str, labels: tuple[str, ...], values: _Values) -> Metric:
    family = GaugeMetricFamily(f"movinet_edge_{name}", text, labels=labels)
    for named, value in values:
        family.add_metric(named, value)
    return family


def _counter(name: str, text: str, labels: tuple[str, ...], values: _Values) -> Metric:
    family = CounterMetricFamily(f"movinet_edge_{name}", text, labels=labels)
    for named, value in values:
        family.add_metric(named, value)
    return family
