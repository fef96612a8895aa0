"""What one person does, one thing after another: motions joined softly in time and place, a class for each frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from movinet_edge.training.render.motion import Motion
from movinet_edge.training.render.rotation import Floats, about, blend, multiply
from movinet_edge.training.render.skeleton import JOINTS


@dataclass(frozen=True, slots=True)
class Segment:
    """One thing that a person does.

    Attributes:
        motion: what is played.
        seconds: how long, on the clock of the clip.
        pace: how fast; 2 is twice the speed of the motion.
        loop: whether the motion starts again at its end.
        airborne: whether feet may leave the floor.
        seated: whether the person sits at the end of it (or, for the first segment, all the time).
        speed_mps: how fast the person walks on while it is played in place.
        turn_rps: how fast the way bends to the left, rad/s.
        label: the number of the class.
        lead_s: the class before still holds for this long.
        tail_s: this class holds for so long after the end.
    """

    motion: Motion
    seconds: float
    label: int
    source: str
    pace: float = 1.0
    loop: bool = False
    airborne: bool = False
    seated: bool = False
    speed_mps: float = 0.0
    turn_rps: float = 0.0
    lead_s: float = 0.0
    tail_s: float = 0.0
    fade_s: float = 0.25


@dataclass(frozen=True, slots=True)
class Track:
    """A person over a clip, `[M]` frames: the motion, the class of each frame, where feet touch and where a seat is."""

    motion: Motion
    labels: NDArray[np.int16]
    grounded: NDArray[np.bool_]
    seated: NDArray[np.bool_]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Placed:
    """A segment with its start on the clock, and the place (in hip heights) and heading that it starts with."""

    segment: Segment
    start_s: float
    place: Floats
    yaw: float
    hip_height: float

    def at(self, moments_s: Floats) -> Motion:
        """The person at moments of the clip."""
        segment, elapsed = self.segment, moments_s - self.start_s
        motion = segment.motion.at(np.maximum(elapsed, 0) * segment.pace, loop=segment.loop)
        motion = motion.moved(-segment.motion.hips[0] * (1, 0, 1))
        speed, turn = segment.speed_mps * segment.pace / self.hip_height, segment.turn_rps
        yaw = self.yaw + turn * elapsed
        if abs(turn) > 1e-6:
            way = np.stack([np.cos(self.yaw) - np.cos(yaw), 0 * yaw, np.sin(yaw) - np.sin(self.yaw)], 1) * (
                speed / turn
            )
        else:
            way = np.outer(elapsed * speed, (np.sin(self.yaw), 0, np.cos(self.yaw)))
        return motion.turned(yaw).moved(self.place + way)


def compose(segments: Sequence[Segment], moments_s: Floats, place_m: Floats, yaw: float, hip_height: float) -> Track:
    """Play the segments from second 0 at `place_m` `[3]`; the last one goes on to the end of `moments_s` `[M]`."""
    placed: list[_Placed] = []
    start_s, place = 0.0, place_m / hip_height
    for segment in segments:
        current = _Placed(segment, start_s, place, yaw, hip_height)
        placed.append(current)
        start_s += segment.seconds
        place = current.at(np.array([start_s])).hips[0] * (1, 0, 1)
        yaw += segment.turn_rps * segment.seconds
    starts = np.array([part.start_s for part in placed])
    active = np.searchsorted(starts, moments_s, side="right") - 1
    turns, hips = np.zeros((len(moments_s), len(JOINTS), 4)), np.zeros((len(moments_s), 3))
    for number, part in enumerate(placed):
        chosen = np.flatnonzero(active == number)
        if not len(chosen):
            continue
        now = part.at(moments_s[chosen])
        if number:
            before = placed[number - 1].at(moments_s[chosen])
            share = np.clip((moments_s[chosen] - part.start_s) / part.segment.fade_s, 0, 1)
            share = (share * share * (3 - 2 * share))[:, None]
            now = Motion(blend(before.turns, now.turns, share[..., None]), before.hips * (1 - share) + now.hips * share)
        turns[chosen], hips[chosen] = now.turns, now.hips
    airborne = np.array([part.segment.airborne for part in placed])
    return Track(
        Motion(turns, hips),
        _labels(placed, moments_s),
        ~airborne[active],
        _seated(placed, active),
        tuple(part.segment.source for part in placed),
    )


def _labels(placed: Sequence[_Placed], moments_s: Floats) -> NDArray[np.int16]:
    labels = np.full(len(moments_s), placed[0].segment.label, np.int16)
    for before, part in pairwise(placed):
        begin_s = part.start_s + max(part.segment.lead_s, before.segment.tail_s)
        labels[moments_s >= begin_s] = part.segment.label
    return labels


def _seated(placed: Sequence[_Placed], active: NDArray[np.int64]) -> NDArray[np.bool_]:
    """A frame needs a seat when its whole segment is spent sitting."""
    return np.array([placed[number].segment.seated for number in active])


def fidgeting(track: Track, moments_s: Floats, random: np.random.Generator) -> Track:
    """The same, with a posture and small slow movements of the person's own."""
    turns = track.motion.turns
    for axis in "xyz":
        posture = random.normal(0, np.radians(2.5), size=len(JOINTS))
        size = np.radians(random.uniform(0.3, 2.5)) * random.random(len(JOINTS))
        phase, pace = random.uniform(0, 2 * np.pi, size=len(JOINTS)), random.uniform(0.8, 4.0, size=len(JOINTS))
        turns = multiply(about(axis, posture + size * np.sin(phase + pace * moments_s[:, None])), turns)
    return Track(Motion(turns, track.motion.hips), track.labels, track.grounded, track.seated, track.sources)
