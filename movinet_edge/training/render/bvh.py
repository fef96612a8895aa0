"""Reads a BVH motion recording: joints at rest and in motion, turned from z-up to y-up."""

from pathlib import Path

import numpy as np

from movinet_edge.training.render.damage import told
from movinet_edge.training.render.gltf import SAMPLES_PER_S, Recording
from movinet_edge.training.render.rotation import Floats, about, matrices

# The files have z up and look along −y; here y is up and people look along z.
_UPRIGHT = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
_DAMAGED = "no BVH file, or a damaged one"


class BvhFile:
    """One recording: `names` of the joints, `rest()` and `recording()`, at `SAMPLES_PER_S`."""

    def __init__(self, path: Path) -> None:
        """Raises `ValueError`, here and wherever more of it is read, where the file is damaged or another one."""
        self._path = path
        content = path.read_bytes()
        self.names: list[str] = []
        self._parents: list[int] = []
        self._channels: list[tuple[int, str]] = []
        with told(path, _DAMAGED):
            hierarchy, found, motion = content.decode("ascii").partition("MOTION")
            if not found:
                raise ValueError("it has no MOTION section")
            self._offsets = self._read_hierarchy(hierarchy)
            self._table = self._read_motion(motion)

    def rest(self) -> Recording:
        """One sample: all joints unturned."""
        turns = np.repeat(np.eye(3)[None], len(self.names), axis=0)[None]
        return self._world(turns, np.zeros((1, 3)))

    def recording(self) -> Recording:
        """The motion."""
        turns = np.repeat(self.rest().turns, len(self._table), axis=0)
        root = np.zeros((len(self._table), 3))
        with told(self._path, _DAMAGED):
            for column, (joint, channel) in enumerate(self._channels):
                axis, values = channel[0].lower(), self._table[:, column]
                if channel.endswith("position"):
                    root[:, "xyz".index(axis)] = values
                else:
                    turns[:, joint] = turns[:, joint] @ matrices(about(axis, np.radians(values)))
        return self._world(turns, root)

    def _read_hierarchy(self, text: str) -> Floats:
        """How far each joint is from its parent, `[N, 3]`."""
        offsets: list[list[float]] = []
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
        found = np.array(offsets)
        if found.shape != (len(self.names), 3):
            raise ValueError(f"it should have an offset of three numbers for each of its {len(self.names)} joints")
        return found

    def _read_motion(self, text: str) -> Floats:
        """The values of all channels, `[T, channels]`, at `SAMPLES_PER_S`."""
        lines = text.strip().splitlines()
        rows = [[float(word) for word in line.split()] for line in lines[2:]]
        if len(rows) < 2:
            raise ValueError(f"it has {len(rows)} frames, and a motion has two or more")
        count, frame_time_s = int(lines[0].split(":")[1]), float(lines[1].split(":")[1])
        if len(rows) < count or {len(row) for row in rows} != {len(self._channels)}:
            raise ValueError(f"it should have {count} frames of {len(self._channels)} values, and has not")
        if not frame_time_s > 0:
            raise ValueError(f"a frame of it lasts {frame_time_s} s")
        moments = np.arange(0, (len(rows) - 1) * frame_time_s, 1 / SAMPLES_PER_S) / frame_time_s
        return np.asarray(np.array(rows)[np.round(moments).astype(int)])

    def _world(self, turns: Floats, root: Floats) -> Recording:
        world, positions = turns.copy(), np.zeros((len(turns), len(self.names), 3))
        for joint, parent in enumerate(self._parents):
            if parent < 0:
                positions[:, joint] = self._offsets[joint] + root
            else:
                world[:, joint] = world[:, parent] @ turns[:, joint]
                positions[:, joint] = positions[:, parent] + world[:, parent] @ self._offsets[joint]
        return Recording(_UPRIGHT @ world @ _UPRIGHT.T, positions @ _UPRIGHT.T)
