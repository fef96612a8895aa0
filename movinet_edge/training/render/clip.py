"""One training clip from its seed: who does what where, filmed, and the class of each frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from movinet_edge.training.clips import CLIP_FPS, FRAMES_PER_CLIP, Poses
from movinet_edge.training.labels import LABELS, UNLABELLED
from movinet_edge.training.poses import JOINTS
from movinet_edge.training.render.assets import Assets
from movinet_edge.training.render.body import random_bodies
from movinet_edge.training.render.camera import NEAR_M
from movinet_edge.training.render.catalogue import MESHES, PLACES, SPLITS, Split
from movinet_edge.training.render.film import Film, Pictures
from movinet_edge.training.render.rotation import Floats
from movinet_edge.training.render.scene import Scene, Setting, filmed, random_scene
from movinet_edge.training.render.script import Scripts
from movinet_edge.training.render.skeleton import INDEX
from movinet_edge.training.render.surroundings import INDOORS

SIZE_PX = 192
# Edges without steps need more pixels than are kept; beyond half as many again nothing is gained.
OVERSAMPLING = 1.5
_NOBODY, _IDLE = LABELS.index("nobody"), LABELS.index("idle")
# Less of a person than the first is nobody; between the two nobody could say what the person does.
_SEEN_SHARE = 0.06
_CLEAR_SHARE = 0.3
_TOLD = [INDEX[name] for name in JOINTS]
_HIPS = [INDEX["left thigh"], INDEX["right thigh"]]
_NIGHT_SHARE = 0.12
_INDOORS_SHARE = 0.72
_PHOTOGRAPHED_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Clip:
    """Pictures, uint8 RGB `[192, 192, 3]`, a class for each, int16 `[frames]`, poses, and what it was made of."""

    pictures: list[Pictures]
    labels: NDArray[np.int16]
    poses: Poses
    motions: tuple[str, ...]
    meta: dict[str, object]


class ClipMaker:
    """Makes clips of one split. Clip `number` of `seed` is the same whoever makes it, and in whatever order."""

    def __init__(self, assets: Assets, split: Split, seed: int) -> None:
        self._assets, self._split, self._seed = assets, split, seed
        assets.require_packages()

    def make(self, number: int, label: str) -> Clip:
        """Render a clip of a class."""
        random, scene, meta = self.staged(number, label)
        film = Film.random(SIZE_PX, FRAMES_PER_CLIP, random, night=bool(meta["night"]))
        pictures, seen = zip(*filmed(scene, FRAMES_PER_CLIP), strict=True)
        labels = frame_labels(scene, np.stack(seen, axis=1))
        motions = scene.actors[0].track.sources if scene.actors else ()
        return Clip(film.develop(pictures, random), labels, poses(scene, film, FRAMES_PER_CLIP), motions, meta)

    def staged(self, number: int, label: str) -> tuple[np.random.Generator, Scene, dict[str, object]]:
        """A clip before it is filmed: the rest of its chance, its scene and what it is made of."""
        random = np.random.default_rng([SPLITS.index(self._split), self._seed, number])
        moments_s = np.arange(FRAMES_PER_CLIP) / CLIP_FPS
        scripts = Scripts(self._assets, self._split, random)
        segments = scripts.of(label)
        bystanders = int(random.choice([0, 1, 2], p=[0.78, 0.16, 0.06])) if segments else 0
        scripted = [segments, *(scripts.idle() for _ in range(bystanders))] if segments else []
        bodies = random_bodies(MESHES[self._split], self._assets.mesh, len(scripted), random)
        night, indoors = bool(random.random() < _NIGHT_SHARE), bool(random.random() < _INDOORS_SHARE)
        # From behind, the body hides the hand that waves.
        spread = 1.4 if label == "wave" and random.random() < 0.8 else np.pi
        place = None
        if random.random() < _PHOTOGRAPHED_SHARE:
            place = str(random.choice([name for name in PLACES[self._split] if (name in INDOORS) == indoors]))
        picture = None if place is None else self._assets.place(place)
        setting = Setting(indoors, night, spread, int(SIZE_PX * OVERSAMPLING), picture)
        cast = [(segments, body) for segments, (_, body) in zip(scripted, bodies, strict=True)]
        scene = random_scene(cast, moments_s, setting, random)
        motions = scene.actors[0].track.sources if scene.actors else ()
        meta: dict[str, object] = {
            "label": label,
            "split": self._split,
            "seed": self._seed,
            "number": number,
            "motions": list(motions),
            "bodies": [name for name, _ in bodies],
            "night": night,
            "indoors": indoors,
            "place": place,
        }
        return random, scene, meta


def poses(scene: Scene, film: Film, frames: int) -> Poses:
    """Where the pictures show the first person."""
    if not scene.actors:
        return Poses.unknown(frames)
    joints = scene.actors[0].posed.joints
    camera = scene.camera
    places_px, depths_m = camera.project(joints)
    depth_m = depths_m[:, _HIPS].mean(axis=1)
    metre_px = np.sqrt(camera.focal_px.prod()) / np.where(depth_m > NEAR_M, depth_m, np.nan)
    places_px = np.where(depths_m[..., None] > NEAR_M, places_px, np.nan)[:, _TOLD]
    shown_px = film.shown(places_px / OVERSAMPLING)
    return Poses(shown_px.astype(np.float32), (metre_px / OVERSAMPLING).astype(np.float32))


def frame_labels(scene: Scene, seen: Floats) -> NDArray[np.int16]:
    """The class of each frame by what the first person does, as far as `seen` `[actors, frames]` shows it."""
    labels = np.full(seen.shape[1], _NOBODY, np.int16)
    if scene.actors:
        labels[(seen > _SEEN_SHARE).any(axis=0)] = _IDLE  # all that bystanders do
        labels[seen[0] > _SEEN_SHARE] = UNLABELLED
        clear = seen[0] > _CLEAR_SHARE
        labels[clear] = scene.actors[0].track.labels[clear]
    return labels
