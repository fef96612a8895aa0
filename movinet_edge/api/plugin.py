"""The two seams: a source gives frames, a sink takes events. A plugin is a class that fits one of these.

What only some plugins do is a protocol of its own: a class that has the method takes part.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from movinet_edge.api.event import ActionEvent
from movinet_edge.api.frame import Frame, FrameRequest
from movinet_edge.api.status import Control, DaemonStatus, SourceInfo

SOURCE_GROUP = "movinet_edge.sources"
"""Entry-point group of sources; the name on the left is the `type:` in the configuration."""

SINK_GROUP = "movinet_edge.sinks"
"""Entry-point group of sinks; the name on the left is the `type:` in the configuration."""


class PluginSettings(BaseModel):
    """What a plugin's `Settings` derive from: unknown keys are errors and values do not change afterwards.

    `type:` itself (and for a sink `name:`) belong to the daemon and are not passed on. A relative path is resolved
    against the configuration file's folder when the field's type is `pathlib.Path`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


@runtime_checkable
class Source(Protocol):
    """Gives the frames of one stream. Constructed from its settings; heavy imports belong into the constructor."""

    Settings: ClassVar[type[BaseModel]]

    live: bool
    """True when frames come at their own pace whether or not anyone looks (a camera): late ones may be dropped.
    False when the source can wait (a file): every frame is looked at."""

    frames_read: int
    """Frames that have arrived so far, yielded or not, so that what was never looked at can be counted."""

    def __init__(self, settings: Any) -> None: ...

    def frames(self, request: FrameRequest) -> Iterator[Frame]:
        """Yield frames until the source ends (return, or SourceEnded) or fails.

        Raises:
            SourceUnavailable: no frames now; this object is closed and a new one is made after a pause.
            SourceRejected: there will never be any.
        """
        ...

    def close(self) -> None:
        """Release everything. May come from another thread, at any time, twice; unblocks a read that waits."""
        ...


@runtime_checkable
class Sink(Protocol):
    """Takes events to somewhere. All calls come from one thread, in the order of the events."""

    Settings: ClassVar[type[BaseModel]]

    def __init__(self, settings: Any) -> None: ...

    def open(self) -> None:
        """Start what lives long (a connection, a file). Raises DeliveryError to be tried again later."""
        ...

    def deliver(self, event: ActionEvent) -> None:
        """Return once the event is accepted for good.

        Raises:
            DeliveryError: not now; the same event is offered again.
            DeliveryRejected: never; the event is kept aside with the reason, until a person asks for another try.
        """
        ...

    def close(self) -> None:
        """Flush and release. May come twice, and without `open`."""
        ...


@runtime_checkable
class DescribedSource(Protocol):
    """A source that can say what it reads."""

    @property
    def info(self) -> SourceInfo | None:
        """What is known by now; None before the source is open. Asked from other threads."""
        ...


@runtime_checkable
class PushedSource(Protocol):
    """A source whose pictures are brought to it, for example by a browser."""

    def push(self, picture: bytes, taken_s: float) -> None:
        """Take a picture in: a JPEG file taken at `taken_s` seconds of the sender's own clock. Neither can be trusted.

        Returns at once, from any thread. A picture that was not looked at yet is replaced by the newer one.

        Raises:
            ValueError: it is no picture that the source takes; the text says why.
        """
        ...


@runtime_checkable
class StatusSink(Protocol):
    """A sink that also tells how the daemon stands."""

    status_every_s: float
    """Seconds after which `report` is called again although nothing but figures has changed."""

    def report(self, status: DaemonStatus) -> None:
        """Take in how the daemon stands now: the newest state, not every step on the way.

        Called by the thread that calls `deliver`, after `open` and then whenever the state of a stream, an action or
        a threshold has changed, and before the events that were stored later. While the sink fails it is not called.

        Raises:
            DeliveryError: not now; it is called again with what is true then.
        """
        ...


@runtime_checkable
class ControlSink(Protocol):
    """A sink that also takes commands from outside."""

    def attach(self, control: Control) -> None:
        """Called once, before `open`. The commands may come from any thread."""
        ...


@runtime_checkable
class CheckedSink(Protocol):
    """A sink that can try its destination without disturbing it; asked by `movinet-edge check --online`."""

    def check(self) -> str:
        """Connect and try what is needed; what works, in a sentence. Called on a sink that is not open.

        Raises:
            DeliveryError: what does not work, for example the name, the certificate, the password or a permission.
        """
        ...
