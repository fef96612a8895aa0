"""Reads the bodies and motions of a folder of assets, laid out as `mesh2motion/`, `kaykit/` and `bvh/`."""

from pathlib import Path

import numpy as np

from movinet_edge.training.render.body import Mesh, read_mesh
from movinet_edge.training.render.bvh import BvhFile
from movinet_edge.training.render.catalogue import MESHES, Entry, Split
from movinet_edge.training.render.gltf import GltfFile
from movinet_edge.training.render.motion import Motion, facing_ahead, retargeted


class Assets:
    """The folder; what has been read once stays in memory."""

    def __init__(self, folder: Path) -> None:
        """Raises `FileNotFoundError` where the folder is not that of the assets."""
        missing = [part for part in ("mesh2motion", "kaykit", "bvh") if not (folder / part).is_dir()]
        if missing:
            raise FileNotFoundError(f"{folder} has no folder {missing[0]}/; name the folder that holds the assets")
        self._folder = folder
        self._files: dict[Path, GltfFile] = {}
        self._motions: dict[str, Motion] = {}

    def meshes(self, split: Split) -> dict[str, Mesh]:
        """The bodies of a split, by name."""
        return {name: read_mesh(self._folder / "mesh2motion" / f"{name}.glb") for name in MESHES[split]}

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
            recording = BvhFile(self._folder / "bvh" / f"{name}.bvh")
            return facing_ahead(retargeted(recording.names, recording.rest(), recording.recording()))
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
                return retargeted(file.names, file.rest(), file.recording(name))
        raise ValueError(f"no animation {name!r} in {', '.join(path.name for path in paths)}")
