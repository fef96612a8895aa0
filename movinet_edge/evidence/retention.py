"""Which evidence has to go: by age, by number and by size of each stream, and to leave room on the disk. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

# What the usual file systems of Linux give out at a time; a file of one byte takes so much of a disk.
BLOCK_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Quota:
    """How much is kept.

    Attributes:
        max_age_s: older evidence goes.
        max_events: so many events of a stream have evidence at most.
        max_bytes: all evidence of a stream takes at most so much of the disk.
        keep_free_bytes: so much of the disk is left to others.
    """

    max_age_s: float = 30 * 86_400.0
    max_events: int = 1000
    max_bytes: int = 500_000_000
    keep_free_bytes: int = 500_000_000


@dataclass(frozen=True, slots=True)
class Kept:
    """The evidence of one event, all its files together."""

    event_id: str
    stream: str
    stored_s: float
    """When the newest of it was stored, in seconds since 1970."""
    size_bytes: int
    """What it takes of the disk, see `on_disk_bytes`."""


def on_disk_bytes(size_bytes: int) -> int:
    """What a file of that size takes of the disk."""
    return -(-size_bytes // BLOCK_BYTES) * BLOCK_BYTES


def outdated(kept: Iterable[Kept], quota: Quota, now_s: float) -> list[Kept]:
    """What is too old."""
    return [one for one in kept if now_s - one.stored_s > quota.max_age_s]


def in_the_way(
    kept: Iterable[Kept], quota: Quota, *, event_id: str, stream: str, size_bytes: int, free_bytes: int
) -> list[Kept] | None:
    """What has to go, oldest first, before a file of `size_bytes` is stored for an event; None when it has no place.

    The event's own evidence never goes to make room for more of it.
    """
    oldest_first = sorted(kept, key=lambda one: (one.stored_s, one.event_id))
    own_bytes = sum(one.size_bytes for one in oldest_first if one.event_id == event_id)
    others = [one for one in oldest_first if one.event_id != event_id]
    of_stream = [one for one in others if one.stream == stream]
    going = _beyond(of_stream, quota.max_events - 1, quota.max_bytes - own_bytes - size_bytes)
    if going is None:
        return None
    short_bytes = quota.keep_free_bytes + size_bytes - free_bytes - sum(one.size_bytes for one in going)
    gone = {one.event_id for one in going}
    for one in others:
        if short_bytes <= 0:
            break
        if one.event_id not in gone:
            going.append(one)
            short_bytes -= one.size_bytes
    return None if short_bytes > 0 else going


def _beyond(oldest_first: list[Kept], max_events: int, max_bytes: int) -> list[Kept] | None:
    """The oldest, without which the rest is within both bounds; None when not even nothing is."""
    if max_bytes < 0:
        return None
    left, left_bytes = len(oldest_first), sum(one.size_bytes for one in oldest_first)
    going = []
    for one in oldest_first:
        if left <= max_events and left_bytes <= max_bytes:
            break
        going.append(one)
        left, left_bytes = left - 1, left_bytes - one.size_bytes
    return going
