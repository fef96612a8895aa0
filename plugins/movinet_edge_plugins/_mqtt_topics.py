"""Topics of the `mqtt` sink: how names become parts of topics, and what stands where. Pure."""

import hashlib
import re
from dataclasses import dataclass

BIRTH_PAYLOAD = "online"
"""What Home Assistant publishes when it has started."""

ONLINE, OFFLINE, STOPPED, DISABLED = "online", "offline", "stopped", "disabled"

# A single _ within is allowed, so that a double one can join slugs to an id that can be taken apart again.
_PLAIN = re.compile(r"[A-Za-z0-9-]+(?:_[A-Za-z0-9-]+)*")

# 40 bits: among a thousand names two meet with a chance of one in two millions.
_HASH_DIGITS = 10
_LIKE_HASHED = re.compile(rf"(?:.*_)?[0-9a-f]{{{_HASH_DIGITS}}}")

# Ids are built of two slugs and more; Home Assistant's entity ids end at 255 characters.
_LONGEST = 60


def slug(name: str) -> str:
    """`name` in the characters that topics and ids of Home Assistant may have: `[a-zA-Z0-9_-]`.

    Distinct names have distinct slugs: what cannot stay as it is gets the name's hash. The same name always has the
    same slug, and no slug has `__` in it or `_` at an end.
    """
    if len(name) <= _LONGEST and _PLAIN.fullmatch(name) and not _LIKE_HASHED.fullmatch(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]
    readable = re.sub(r"[^A-Za-z0-9-]+", "_", name)[: _LONGEST - _HASH_DIGITS - 1].strip("_")
    return f"{readable}_{digest}" if readable else digest


@dataclass(frozen=True, slots=True)
class Command:
    """What a command topic is about, in slugs; without an action it switches the stream on or off."""

    stream: str
    action: str | None


@dataclass(frozen=True, slots=True)
class Topics:
    """Every topic of one node.

    Attributes:
        base: first part of all topics but those of Home Assistant.
        node: this daemon's id, a slug.
        prefix: Home Assistant's discovery prefix.
    """

    base: str
    node: str
    prefix: str

    @property
    def root(self) -> str:
        """What all topics of the node begin with, without the slash."""
        return f"{self.base}/{self.node}"

    @property
    def status(self) -> str:
        """`online`, `offline` (by the broker, when the connection breaks) or `stopped`. Retained."""
        return f"{self.root}/status"

    @property
    def stats(self) -> str:
        """Figures of all streams and sinks as JSON."""
        return f"{self.root}/stats"

    @property
    def discovery(self) -> str:
        """Home Assistant's description of the node as a device. Retained."""
        return f"{self.prefix}/device/{self.node}/config"

    @property
    def birth(self) -> str:
        """Where Home Assistant says that it has started."""
        return f"{self.prefix}/status"

    @property
    def commands(self) -> tuple[str, ...]:
        """Filters that match every command."""
        return f"{self.root}/+/enabled/set", f"{self.root}/+/action/+/threshold/set"

    def stream_status(self, stream: str) -> str:
        """`online`, `offline` or `disabled`. Retained."""
        return f"{self.root}/{slug(stream)}/status"

    def event(self, stream: str) -> str:
        """The stream's events. Not retained: Home Assistant ignores what is replayed."""
        return f"{self.root}/{slug(stream)}/event"

    def snapshot(self, stream: str) -> str:
        """JPEG of the newest event that has one. Not retained: a picture of somebody's home is not left about."""
        return f"{self.root}/{slug(stream)}/snapshot"

    def label(self, stream: str) -> str:
        """The action that goes on, or `none`. Retained."""
        return f"{self.root}/{slug(stream)}/label"

    def enabled(self, stream: str) -> str:
        """With `/state`: whether the stream is switched on, retained; with `/set`: the command."""
        return f"{self.root}/{slug(stream)}/enabled"

    def action_state(self, stream: str, action: str) -> str:
        """Whether the action goes on, as JSON. Retained."""
        return f"{self.root}/{slug(stream)}/action/{slug(action)}/state"

    def threshold(self, stream: str, action: str) -> str:
        """With `/state`: the score over which the action begins, retained; with `/set`: the command."""
        return f"{self.root}/{slug(stream)}/action/{slug(action)}/threshold"

    def is_state(self, topic: str) -> bool:
        """True for a retained topic of some stream of this node, of this or an earlier configuration."""
        match self._parts(topic):
            case [_, "status" | "label"] | [_, "enabled", "state"]:
                return True
            case [_, "action", _, "state"] | [_, "action", _, "threshold", "state"]:
                return True
        return False

    def command(self, topic: str) -> Command | None:
        """What a topic commands; None when it is no command topic of this node."""
        match self._parts(topic):
            case [stream, "enabled", "set"]:
                return Command(stream, None)
            case [stream, "action", action, "threshold", "set"]:
                return Command(stream, action)
        return None

    def _parts(self, topic: str) -> list[str]:
        inside = topic.removeprefix(f"{self.root}/")
        return [] if inside == topic else inside.split("/")
