"""Reads a BVH motion recording: joints at rest and in motion, turned from z-up to y-up."""

from pathlib import Path

import numpy as np

from movinet_edge.training.render.gltf import SAMPLES_PER_S, Recording
from movinet_edge.training.render.rotation import Floats, about, matrices

# The files have z up and look along −y; here y is up and people look along z.
_UPRIGHT = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


class BvhFile:
    """One recording: `names` of the joints, `rest()` and `recording()`, at `SAMPLES_PER_S`."""

    def __init__(self, path: Path) -> None:
        hierarchy, found, motion = path.read_text(encoding="ascii").partition("MOTION")
        if not found:
            raise ValueError(f"{path} is no BVH file: it has no MOTION section")
        self.names: list[str] = []
        self._parents: list[int] = []
        offsets: list[list[float]] = []
        self._channels: list[tuple[int, str]] = []
        self._read_hierarchy(hierarchy, offsets)
        self._offsets = np.array(offsets)
        lines = motion.strip().splitlines()
        frame_time_s = float(lines[1].split(":")[1])
        table = np.array([[float(word) for word in line.split()] for line in lines[2:]])
        moments = np.arange(0, (len(table) - 1) * frame_time_s, 1 / SAMPLES_PER_S) / frame_time_s
        self._table = table[np.round(moments).astype(int)]

    def rest(self) -> Recording:
        """One sample: all joints unturned."""
        turns = np.repeat(np.eye(3)[None], len(self.names), axis=0)[None]
        return self._world(turns, np.zeros((1, 3)))

    def recording(self) -> Recording:
        """The motion."""
        turns = np.repeat(self.rest().turns, len(self._table), axis=0)
        root = np.zeros((len(self._table), 3))
        for column, (joint, channel) in enumerate(self._channels):
            axis, values = channel[0].lower(), self._table[:, column]
            if channel.endswith("position"):
                root[:, "xyz".index(axis)] = values
            else:
                turns[:, joint] = turns[:, joint] @ matrices(about(axis, np.radians(values)))
        return self._world(turns, root)

    def _read_hierarchy(self, text: str, offsets: list[list[float]]) -> None:
        open_joints: list[int] = []
        in_end_site = False
        for words in map(str.split, text.splitlines()):
            match words:
                case ["ROOT" | "JOINT", name]:
                    self._parents.append(open_joints[-1] if open_joints else -1)
                    open_joints.append(len(self.names))
                    self.names.append(name)
                case ["End", "Site"]:
                    in_end_site = True
                case ["OFFSET", *numbers] if not in_end_site:
                    offsets.append([float(number) for number in numbers])
                case ["CHANNELS", _, *channels]:
                    self._channels += [(open_joints[-1], channel) for channel in channels]
                case ["}"] if in_end_site:
                    in_end_site = False
                case ["}"]:
                    open_joints.pop()

    def _world(self, turns: Floats, root: Floats) -> Recording:
        world, positions = turns.copy(), np.zeros((len(turns), len(self.names), 3))
        for joint, parent in enumerate(self._parents):
            if parent < 0:
                positions[:, joint] = self._offsets[joint] + root
            else:
                world[:, joint] = world[:, parent] @ turns[:, joint]
                positions[:, joint] = positions[:, parent] + world[:, parent] @ self._offsets[joint]
        return Recording(_UPRIGHT @ world @ _UPRIGHT.T, positions @ _UPRIGHT.T)
