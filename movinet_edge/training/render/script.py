"""Who does what in a clip of a class: what comes before the action, how long it takes, what comes after."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from movinet_edge.training.clips import CLIP_FPS, FRAMES_PER_CLIP
from movinet_edge.training.labels import LABELS, UNLABELLED
from movinet_edge.training.render.assets import Assets
from movinet_edge.training.render.catalogue import Entry, Role, Split, class_index, entries
from movinet_edge.training.render.gltf import SAMPLES_PER_S
from movinet_edge.training.render.motion import Motion
from movinet_edge.training.render.timeline import Segment
from movinet_edge.training.render.variation import Manner, on_other_legs, stands_still

CLIP_S = FRAMES_PER_CLIP / CLIP_FPS
_IDLE, _LIE = LABELS.index("idle"), LABELS.index("lie")
_CYCLIC = (Role.WALK, Role.RUN, Role.JACKS, Role.WAVE, Role.PUSH_UP, Role.CRAWL, Role.DANCE)
# Left and right mean something in none of the classes.
_MIRROR_SHARE = 0.5
# What arms do means the same whatever the legs do meanwhile.
_ARMS_ONLY = (Role.WAVE, Role.PUNCH, Role.THROW)
_OTHER_LEGS_SHARE = 0.35


class Scripts:
    """Writes scripts with the motions of one split; `random` decides everything."""

    def __init__(self, assets: Assets, split: Split, random: np.random.Generator) -> None:
        self._assets, self._split, self._random = assets, split, random

    def of(self, label: str) -> list[Segment]:
        """What the person does in a clip of this class; nothing where nobody is there."""
        special: dict[str, Callable[[], list[Segment]]] = {
            "fall": self._fall, "lie": self._lie, "sit down": self._sit_down, "stand up": self._stand_up,
            "idle": self.idle, "nobody": list,
        }  # fmt: skip
        if label in special:
            return special[label]()
        role = Role(label)
        return self._cyclic(role) if role in _CYCLIC else self._repeated(role)

    def idle(self) -> list[Segment]:
        """Stands, gestures, turns, sits or kneels, all the clip."""
        choice = self._random.random()
        if choice < 0.35:
            return [self._seated(CLIP_S)]
        if choice < 0.43:  # never after standing: nobody drops to the knees within a moment
            return [self._play(Role.LOW, CLIP_S)]
        first_s = float(self._random.uniform(1.5, CLIP_S))
        return [self._play(Role.IDLE, first_s), self._idle_on()]

    def _play(self, role: Role, seconds: float | None = None) -> Segment:
        """A motion of a role; without `seconds`, from its beginning to its end."""
        entry = self._any(role)
        motion = self._assets.motion(entry, self._random)
        if self._random.random() < _MIRROR_SHARE:
            motion = motion.mirrored()
        pace = float(self._random.uniform(0.8, 1.25))
        if entry.loop and motion.seconds > 0:
            motion = _rolled(motion, float(self._random.random()))
        once_s, speed_mps = motion.seconds, entry.speed_mps
        if self._split == "train":  # what is held out is mirrored and paced, and otherwise stays as its source shows it
            manner = Manner.random(self._random, travelling=speed_mps != 0)
            speed_mps *= manner.speed(motion)
            motion = manner.of(
                self._on_other_legs(role, motion, loop=entry.loop), loop=entry.loop, seconds=CLIP_S * pace
            )
            once_s = once_s if entry.loop else motion.seconds
        return Segment(
            motion,
            once_s / pace if seconds is None else seconds,
            class_index(role),
            entry.source,
            pace,
            loop=entry.loop,
            airborne=entry.airborne,
            speed_mps=speed_mps,
        )

    def _any(self, role: Role) -> Entry:
        found = [entry for entry in entries(role, self._split) for _ in range(entry.times)]
        return found[int(self._random.integers(len(found)))]

    def _on_other_legs(self, role: Role, motion: Motion, *, loop: bool) -> Motion:
        """Sometimes a gesture by someone who stands as people do who idle, or sits and does what others do standing."""
        if role not in {*_ARMS_ONLY, Role.SEATED} or self._random.random() >= _OTHER_LEGS_SHARE:
            return motion
        idle = self._assets.motion(self._any(Role.IDLE), self._random)
        if not stands_still(idle):
            return motion
        if role is Role.SEATED:
            idle = _rolled(idle.mirrored() if self._random.random() < _MIRROR_SHARE else idle, self._random.random())
            return on_other_legs(_all_clip(idle), motion)
        return on_other_legs(_all_clip(motion) if loop else motion, idle)

    def _seated(self, seconds: float) -> Segment:
        return replace(self._play(Role.SEATED, seconds), seated=True)

    def _idle_on(self) -> Segment:
        return self._play(Role.IDLE, CLIP_S)

    def _walking(self, seconds: float) -> Segment:
        turn_rps = float(self._random.normal(0, 0.4))
        return replace(self._play(Role.WALK, seconds), turn_rps=turn_rps)

    def _before(self, *, walk_share: float = 0.3) -> list[Segment]:
        """Stands or walks for a while, or not at all."""
        if self._random.random() < 0.25:
            return []
        seconds = float(self._random.uniform(0.4, 2.4))
        return [self._walking(seconds) if self._random.random() < walk_share else self._play(Role.IDLE, seconds)]

    def _cyclic(self, role: Role) -> list[Segment]:
        turn_rps = float(self._random.normal(0, 0.5)) if role in {Role.WALK, Role.RUN, Role.CRAWL} else 0.0
        low = role in {Role.PUSH_UP, Role.CRAWL}
        fade_s, lead_s = (0.8, 0.4) if low else (0.35, 0.15)  # the way down to the floor takes its time
        before = [] if self._random.random() < (0.7 if low else 0.4) else self._before(walk_share=0.15)
        to_the_end = self._random.random() < 0.7
        seconds = CLIP_S if to_the_end else float(self._random.uniform(1.8, 3.2))
        action = replace(self._play(role, seconds), turn_rps=turn_rps, fade_s=fade_s, lead_s=lead_s)
        after = [] if to_the_end else [replace(self._idle_on(), fade_s=fade_s, lead_s=0.3)]
        return [*before, action, *after]

    def _repeated(self, role: Role) -> list[Segment]:
        segments = self._before(walk_share=0.15)
        for _ in range(1 if role in {Role.THROW, Role.PICK_UP} and self._random.random() < 0.7 else 6):
            segments.append(replace(self._play(role), lead_s=0.1 if segments else 0.0, tail_s=0.3))
            if self._random.random() < 0.25:
                break
        return [*segments, self._idle_on()]

    def _fall(self) -> list[Segment]:
        if self._random.random() < 0.12 and entries(Role.SEATED_FALL, self._split):
            before = [self._seated(float(self._random.uniform(0.4, 2.0)))]
            fall = replace(self._play(Role.SEATED_FALL), lead_s=0.1)
        else:
            before = self._before(walk_share=0.5)
            fall = replace(self._play(Role.FALL), lead_s=0.1 if before else 0.0, tail_s=0.3)
        return [*before, fall, _held(fall, -1, CLIP_S, _LIE)]

    def _lie(self) -> list[Segment]:
        if self._random.random() < 0.12 and entries(Role.LIE_DOWN, self._split):
            down = replace(self._play(Role.LIE_DOWN), label=UNLABELLED)  # none of ours until somebody lies
            return [down, _held(down, -1, CLIP_S, _LIE)]
        return [self._play(Role.LIE, CLIP_S)]

    def _sit_down(self) -> list[Segment]:
        down = replace(self._play(Role.SIT), lead_s=0.1, tail_s=0.4)
        before = self._before(walk_share=0.25) or [self._play(Role.IDLE, 0.4)]
        return [*before, down, replace(_held(down, -1, CLIP_S, _IDLE), seated=True)]

    def _stand_up(self) -> list[Segment]:
        if self._random.random() < 0.15 and entries(Role.GET_UP, self._split):
            up = replace(self._play(Role.GET_UP), lead_s=0.2, tail_s=0.3)
            lying = _held(up, 0, float(self._random.uniform(0.2, 1.5)), _LIE)
            return [lying, up, self._idle_on()]
        up = replace(self._play(Role.STAND), lead_s=0.1, tail_s=0.3)
        sitting = replace(_held(up, 0, float(self._random.uniform(0.2, 2.2)), _IDLE), seated=True)
        return [sitting, up, self._walking(CLIP_S) if self._random.random() < 0.3 else self._idle_on()]


def _held(segment: Segment, sample: int, seconds: float, label: int) -> Segment:
    """Stays as the motion of a segment is in its first (0) or last (−1) sample."""
    motion = segment.motion
    return Segment(Motion(motion.turns[[sample]], motion.hips[[sample]]), seconds, label, segment.source)


def _all_clip(motion: Motion) -> Motion:
    """A loop for longer than any clip: legs have a length of their own, so nothing starts again in its course."""
    return motion.at(np.arange(round(2 * CLIP_S * SAMPLES_PER_S)) / SAMPLES_PER_S, loop=True)


def _rolled(motion: Motion, share: float) -> Motion:
    """A loop that starts somewhere else; one that travels, or does not close, stays as it is."""
    if np.linalg.norm(motion.hips[-1] - motion.hips[0]) > 0.1:
        return motion
    start = int(share * (len(motion.turns) - 1))
    order = [*range(start, len(motion.turns) - 1), *range(start + 1)]
    return Motion(motion.turns[order], motion.hips[order])
