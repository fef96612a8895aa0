"""The demo clip of the package: a person idles, does jumping jacks, idles, does push-ups, and idles."""

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np

from movinet_edge.training.labels import LABELS
from movinet_edge.training.render import furniture, stage
from movinet_edge.training.render.assets import Assets
from movinet_edge.training.render.body import pose, random_body
from movinet_edge.training.render.camera import look_at
from movinet_edge.training.render.catalogue import CATALOGUE
from movinet_edge.training.render.film import Pictures
from movinet_edge.training.render.light import Light
from movinet_edge.training.render.room import Room
from movinet_edge.training.render.rotation import Floats
from movinet_edge.training.render.scene import Scene, filmed
from movinet_edge.training.render.textures import texture
from movinet_edge.training.render.timeline import Segment, compose

FPS = 10
WIDTH_PX, HEIGHT_PX = 320, 240
_OVERSAMPLING = 2
# Both actions are motions of Mesh2Motion that no training clip holds. The idle motion and the body are of training.
_PLAYED = (
    ("human-base/Idle_Loop", "idle", 9.0, 0.0),
    ("human-addon/Jumping Jacks", "jumping jacks", 9.0, 0.4),
    ("human-base/Idle_Loop", "idle", 9.0, 0.4),
    ("human-addon/Pushup", "push up", 10.0, 1.0),
    ("human-base/Idle_Loop", "idle", 8.0, 1.0),
)


def write_demo(path: Path, assets: Path, seed: int) -> None:
    """Write the clip, 320×240, H.264; the seed decides the person's looks and the surfaces."""
    frames = round(sum(seconds for _, _, seconds, _ in _PLAYED) * FPS)
    clip = pictures(Assets(assets), np.arange(frames) / FPS, seed)
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        container.metadata["comment"] = (
            "CC0 1.0, made by movinet_edge.training.render of models by Mesh2Motion and Quaternius"
        )
        # Main profile without B-frames plays everywhere; one thread makes the file the same on every machine.
        options = {"profile": "main", "preset": "veryslow", "crf": "24", "bf": "0", "threads": "1"}
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        for picture in clip:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def pictures(assets: Assets, moments_s: Floats, seed: int) -> Iterator[Pictures]:
    """What the clip shows at these moments of it `[M]`: uint8 RGB `[240, 320, 3]` each, before compression."""
    scene = _scene(assets, moments_s, np.random.default_rng(seed))
    return (_cropped(picture) for picture, _ in filmed(scene, len(moments_s)))


def _cropped(picture: Floats) -> Pictures:
    top = (WIDTH_PX - HEIGHT_PX) // 2
    square = cv2.resize(np.asarray(picture, np.float32), (WIDTH_PX, WIDTH_PX), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(np.clip(square[top : top + HEIGHT_PX], 0, 255).astype(np.uint8))


def _scene(assets: Assets, moments_s: Floats, random: np.random.Generator) -> Scene:
    by_source = {entry.source: entry for entry in CATALOGUE}
    segments = [
        Segment(
            assets.motion(by_source[source], random),
            seconds,
            LABELS.index(label),
            source,
            loop=True,
            airborne=by_source[source].airborne,
            fade_s=fade_s,
        )
        for source, label, seconds, fade_s in _PLAYED
    ]
    body = random_body(assets.mesh("human-male"), random)
    track = compose(segments, moments_s, np.zeros(3), 0.0, body.hip_height)
    actor = stage.Actor(body, pose(body, track.motion, track.grounded), track)
    size_px = WIDTH_PX * _OVERSAMPLING
    camera = look_at(np.array([2.1, 1.9, 3.1]), np.array([0, 0.97, 0.1]), 0.0, np.full(2, size_px * 1.05), size_px)
    walls = (-2.6, 3.2, -2.4, 4.0)
    sky = np.full(3, 200.0)
    plain = texture("plaster", random)
    room = Room(texture("planks", random), 1.6, walls, 2.6, plain, plain, (sky, sky))
    boxes = [
        *furniture.shelf(np.array([-1.9, 0, -2.1]), 0.0, random),
        *furniture.table(np.array([-2.0, 0, 0.4]), np.pi / 2, random),
    ]
    light = Light(np.array([0.35, 0.85, 0.4]), 0.5, 0.55, 0.35)
    return Scene([actor], room, boxes, camera, light)
