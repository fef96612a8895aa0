"""Events on their way out: an outbox on disk, and one worker per sink that empties it."""

from movinet_edge.delivery.backoff import Backoff
from movinet_edge.delivery.database import OutboxTooNew, OutboxUnavailable
from movinet_edge.delivery.dead_letters import FailedEvent, FailedEvents
from movinet_edge.delivery.event_filter import EventFilter
from movinet_edge.delivery.history import EventHistory
from movinet_edge.delivery.outbox import Outbox
from movinet_edge.delivery.worker import DeliveryWorker, WorkerState, WorkerStats

__all__ = [
    "Backoff",
    "DeliveryWorker",
    "EventFilter",
    "EventHistory",
    "FailedEvent",
    "FailedEvents",
    "Outbox",
    "OutboxTooNew",
    "OutboxUnavailable",
    "WorkerState",
    "WorkerStats",
]
