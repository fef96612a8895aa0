"""The thread of the `mqtt` sink that keeps it connected, and keeps what stands on the broker as the daemon is."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from movinet_edge.api import DaemonStatus, DeliveryError
from movinet_edge_plugins._mqtt_announcer import Announcer, Plan, Survey
from movinet_edge_plugins._mqtt_commands import Commands
from movinet_edge_plugins._mqtt_link import Link, OnMessage, Receipt, Refusal
from movinet_edge_plugins._mqtt_topics import BIRTH_PAYLOAD, ONLINE, STOPPED, Topics

_log = structlog.get_logger(__name__)

# Pauses between attempts to connect again; at random up to these, so that many daemons do not return together.
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0

# Home Assistant has a lot to do when it has started, and we may not be the only ones to answer.
_BIRTH_JITTER_S = 3.0

# How long a call waits for a connection that is being made again: short, as the daemon may want to stop.
_PATIENCE_S = 3.0

# How long the goodbye may take, and all that is to end with it: within the time that the daemon has for stopping.
_FAREWELL_S = 1.0
_END_S = 4.0

# How often a wait for confirmations looks whether it is time to stop.
_TURN_S = 0.5


@dataclass(frozen=True, slots=True)
class _Task:
    """A status to show with its number; `everything`: whatever stands already, `contradict`: we are online."""

    status: DaemonStatus
    version: int
    everything: bool
    contradict: bool


class Session:
    """A connection that comes back. `link()` and `show()` are for the sink's thread, the rest happens in its own."""

    def __init__(
        self,
        make_link: Callable[[OnMessage, Callable[[], None]], Link],
        announcer: Announcer,
        commands: Commands | None,
        *,
        timeout_s: float,
    ) -> None:
        self._make_link = make_link
        self._announcer = announcer
        self._topics: Topics = announcer.topics
        self._commands = commands
        self._timeout_s = timeout_s
        self._survey: Survey | None = None
        self._refused: set[str] = set()
        self._pause_s = _FIRST_PAUSE_S
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()
        # All of these are guarded by the condition.
        self._ready: Link | None = None
        self._problem = "not connected"
        self._status: DaemonStatus | None = None
        self._version = self._shown_version = 0
        self._unattended = False
        self._birth_due_s: float | None = None
        self._seen_online = self._contradicted = False
        self._closing = False

    def open(self) -> None:
        """Connect and start; raises DeliveryError when the broker cannot be reached."""
        link = self._connected()
        self._thread = threading.Thread(target=self._run, args=(link,), name=f"mqtt-{self._topics.node}", daemon=True)
        self._thread.start()

    def link(self) -> Link:
        """The connection, once what is retained is right; raises DeliveryError when there is none for now."""
        with self._changed:
            self._attend()
            if self._changed.wait_for(lambda: self._ready is not None, min(_PATIENCE_S, self._timeout_s)):
                assert self._ready is not None  # noqa: S101 - for the type checker
                return self._ready
            self._unattended = True
            raise DeliveryError(self._problem)

    def show(self, status: DaemonStatus) -> None:
        """Let the broker show this status; raises DeliveryError when it does not have it in time."""
        with self._changed:
            self._status = status
            self._version += 1
            self._attend()
            if self._changed.wait_for(self._is_shown, min(_PATIENCE_S, self._timeout_s)):
                return
            if self._ready is not None and self._changed.wait_for(self._is_shown, self._timeout_s):
                return
            self._unattended = True
            slow = f"the broker confirms nothing within {self._timeout_s:g} s"
            raise DeliveryError(self._problem if self._ready is None else slow)

    def leave_unattended(self) -> None:
        """The daemon pauses after a failure, and does not tell its status meanwhile."""
        with self._changed:
            self._unattended = True

    def close(self) -> None:
        """Say goodbye and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(_END_S)

    def _is_shown(self) -> bool:
        return self._shown_version == self._version

    def _attend(self) -> None:
        """The daemon is speaking to us, so what we know of it is about to be right."""
        self._unattended = False
        self._changed.notify_all()

    def _run(self, link: Link | None) -> None:
        while link is not None:
            try:
                self._serve(link)
            except DeliveryError as error:
                self._lose(str(error))
                if not self._closing:
                    _log.warning("mqtt connection lost", error=str(error))
            except Exception as error:  # noqa: BLE001 - a mistake of ours; without this thread nothing would go on
                self._lose(repr(error))
                _log.exception("mqtt session failed, will connect again")
            finally:
                link.close()
            link = self._reconnected()

    def _lose(self, problem: str) -> None:
        with self._changed:
            self._problem, self._ready = problem, None

    def _connected(self) -> Link:
        self._seen_online = False
        link = self._make_link(self._hear, self._wake)
        link.open()
        try:
            refused = link.subscribe([self._topics.status, self._topics.birth])
            if self._commands is not None:
                refused += link.subscribe(self._topics.commands, as_published=True)
            for topic in refused:
                _log.warning("mqtt broker does not let us subscribe", topic=topic)
        except DeliveryError:
            link.close()
            raise
        return link

    def _reconnected(self) -> Link | None:
        """A new connection, however long it takes; None when it is time to stop."""
        logged = ""
        while True:
            with self._changed:
                pause_s = random.uniform(self._pause_s / 2, self._pause_s)  # noqa: S311 - spreads load, guards nothing
                self._pause_s = min(_LONGEST_PAUSE_S, 2 * self._pause_s)
                if self._changed.wait_for(lambda: self._closing, pause_s):
                    return None
            try:
                link = self._connected()
            except DeliveryError as error:
                with self._changed:
                    self._problem = str(error)
                (_log.debug if logged == str(error) else _log.warning)("mqtt broker not reached", error=str(error))
                logged = str(error)
            else:
                if self._closing:
                    link.close()
                    return None
                _log.info("mqtt connected again")
                return link

    def _serve(self, link: Link) -> None:
        """Keep the broker informed until it is time to stop; raises DeliveryError when the connection is lost."""
        fresh = True  # nothing was shown on this connection yet
        while (task := self._next_task(link, fresh=fresh)) is not None:
            self._bring(link, task)
            with self._changed:
                self._shown_version, self._ready = task.version, link
                self._changed.notify_all()
            fresh, self._pause_s = False, _FIRST_PAUSE_S
        self._say_goodbye(link)

    def _next_task(self, link: Link, *, fresh: bool) -> _Task | None:
        """Wait for something to show; None when it is time to stop."""
        with self._changed:
            if self._status is None:
                self._ready = link
                self._changed.notify_all()
            while not self._closing:
                if link.lost is not None:
                    raise DeliveryError(link.lost)
                task = self._task(fresh=fresh)
                if task is not None:
                    return task
                due_s = self._birth_due_s
                self._changed.wait(None if due_s is None else max(0.0, due_s - time.monotonic()) or _TURN_S)
        return None

    def _task(self, *, fresh: bool) -> _Task | None:
        """What there is to show now."""
        # What is known may be old while nobody could tell us the newest, and is better not shown then.
        if self._status is None or (fresh and self._unattended):
            return None
        everything = fresh or (self._birth_due_s is not None and time.monotonic() >= self._birth_due_s)
        contradict = self._contradicted
        if everything:
            self._birth_due_s = None
        elif not contradict and self._is_shown():
            return None
        self._contradicted = False
        return _Task(self._status, self._version, everything, contradict)

    def _bring(self, link: Link, task: _Task) -> None:
        if self._commands is not None:
            self._commands.know(task.status)
        if not self._announcer.surveyed:
            self._survey = Survey(self._topics)
            self._survey.run(link)
            survey, self._survey = self._survey, None
            if survey.found.get(self._topics.status) == ONLINE.encode():
                _log.warning(
                    "mqtt node is online already: another daemon with the same `node`, or this one before a crash",
                    node=self._topics.node,
                )
            self._announcer.learn(survey.found)
        plan = self._announcer.plan(
            task.status, everything=task.everything, now_s=time.monotonic(), contradict=task.contradict
        )
        self._publish(link, plan)
        self._announcer.done(plan)

    def _publish(self, link: Link, plan: Plan) -> None:
        receipts: list[Receipt] = []
        for message in plan.messages:
            try:
                receipts.append(link.publish(message.topic, message.payload, retain=message.retain))
            except Refusal as refusal:
                self._log_refusal(message.topic, refusal)
        for receipt in receipts:
            try:
                while not link.settle(receipt, _TURN_S):
                    if self._closing:
                        return
            except Refusal as refusal:
                self._log_refusal(receipt.topic, refusal)

    def _log_refusal(self, topic: str, refusal: Refusal) -> None:
        if topic not in self._refused:
            self._refused.add(topic)
            _log.error("mqtt broker refuses a message", topic=topic, error=str(refusal))

    def _say_goodbye(self, link: Link) -> None:
        if self._announcer.surveyed:
            try:
                link.settle(link.publish(self._topics.status, STOPPED, retain=True), _FAREWELL_S)
            except (DeliveryError, Refusal) as error:
                _log.debug("mqtt goodbye failed", error=str(error))

    # In paho's thread

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _hear(self, topic: str, payload: bytes, retained: bool) -> None:
        survey = self._survey
        if survey is not None:
            survey.hear(topic, payload, retained)
        elif topic == self._topics.status and not retained:
            self._hear_status(payload)
        elif topic == self._topics.birth and not retained and payload == BIRTH_PAYLOAD.encode():
            self._hear_birth()
        if self._commands is not None:
            self._commands.take(topic, payload, retained)

    def _hear_status(self, payload: bytes) -> None:
        """The will of an earlier connection of ours may come late, when the broker gives it up: then say otherwise."""
        with self._changed:
            if payload == ONLINE.encode():
                self._seen_online = True
            elif self._seen_online:
                self._seen_online, self._contradicted = False, True
                self._changed.notify_all()

    def _hear_birth(self) -> None:
        with self._changed:
            if self._birth_due_s is None:
                jitter_s = random.uniform(0.0, _BIRTH_JITTER_S)  # noqa: S311 - spreads load, guards nothing
                self._birth_due_s = time.monotonic() + jitter_s
                self._changed.notify_all()
