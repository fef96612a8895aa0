"""Errors that cross the plugin seam, typed by what the daemon must do about them."""


class MovinetEdgeError(Exception):
    """Anything this project raises on purpose; its text is written for the person who reads it."""


class ConfigurationError(MovinetEdgeError):
    """What the user wrote cannot work; nothing is retried and the process exits with 78 (EX_CONFIG)."""


class ModelError(MovinetEdgeError):
    """A model file, its labels or its runtime cannot be used."""


class SourceError(MovinetEdgeError):
    """What a source may raise; the subclass decides what happens next."""


class SourceEnded(SourceError):
    """The source has no more frames, which is not a fault. Returning from `frames()` says the same."""


class SourceUnavailable(SourceError):
    """No frames now; the daemon tries again with growing pauses."""


class SourceRejected(SourceError):
    """This source will never give frames (wrong path, not a video); the daemon stops the stream and says why."""


class SinkError(MovinetEdgeError):
    """What a sink may raise; the subclass decides what happens next."""


class DeliveryError(SinkError):
    """The event was not accepted now; the daemon offers the same event again later, before any newer one.

    Attributes:
        retry_after_s: the destination asked to be left alone this long, in seconds; None when it did not say.
    """

    retry_after_s: float | None = None

    def __init__(self, *text: object, retry_after_s: float | None = None) -> None:
        super().__init__(*text)
        self.retry_after_s = retry_after_s


class DeliveryRejected(SinkError):
    """The event will never be accepted; the daemon keeps it aside with the reason, and goes on with the next."""
