"""Reads the clips to train on: folders of shards, each an .npz file with JPEG pictures and a class for each."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from movinet_edge.training.errors import InputError
from movinet_edge.training.labels import LABELS, UNLABELLED
from movinet_edge.training.poses import JOINTS

FRAMES_PER_CLIP = 24
CLIP_FPS = 5.0
"""What the model sees, see `design/engine`: clips hold just the frames that a stream would feed."""

HELD_SUBJECT = 3
"""The person in real video who is never trained on: what the model card says about real falls comes from them alone."""

SHARDS = "shard_*.npz"


class ShardError(InputError):
    """A shard does not hold what it should; the text says which one and what."""


@dataclass(frozen=True, slots=True)
class Poses:
    """Where the pictures of some clips show the person whom the labels are about; NaN where nobody is or knows.

    Attributes:
        joints_px: float32 `[..., frames, 13, 2]`, see `poses.JOINTS`.
        metre_px: float32 `[..., frames]`, the pixels of one metre at the person's hips.
    """

    joints_px: NDArray[np.float32]
    metre_px: NDArray[np.float32]

    @classmethod
    def unknown(cls, *shape: int) -> Self:
        """Nothing is known of clips and frames of this number."""
        return cls(np.full((*shape, len(JOINTS), 2), np.nan, np.float32), np.full(shape, np.nan, np.float32))


@dataclass(frozen=True, slots=True)
class Shard:
    """Some clips.

    Attributes:
        path: where it was read from.
        jpegs: uint8 `[bytes]`, all pictures one after another.
        offsets: int64 `[clips × frames + 1]`, where each picture begins, and where the last one ends.
        labels: int16 `[clips, frames]`, an index of `LABELS` or `UNLABELLED`.
        poses: where the person is.
        meta: for each clip what it was made of.
    """

    path: Path
    jpegs: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    labels: NDArray[np.int16]
    poses: Poses
    meta: tuple[Mapping[str, Any], ...]

    def frame(self, clip: int, frame: int) -> NDArray[np.uint8]:
        """One picture: uint8 `[height, width, 3]`, RGB."""
        index = clip * self.labels.shape[1] + frame
        picture = cv2.imdecode(self.jpegs[self.offsets[index] : self.offsets[index + 1]], cv2.IMREAD_COLOR)
        if picture is None:
            raise ShardError(f"{self.path}: frame {frame} of clip {clip} is no JPEG picture")
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def read_shard(path: Path) -> Shard:
    """Read and check a shard.

    Raises:
        ShardError: it is damaged or has another form.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            jpegs, offsets, labels = (arrays[name] for name in ("jpegs", "offsets", "labels"))
            meta = tuple(json.loads(str(text)) for text in arrays["meta"])
            known = "joints_px" in arrays
            poses = Poses(arrays["joints_px"], arrays["metre_px"]) if known else Poses.unknown(*labels.shape)
    except Exception as error:  # a damaged file ends in a dozen kinds, some of zipfile and zlib
        raise ShardError(f"{path}: {error}") from error
    _check(path, jpegs, offsets, labels, meta)
    if poses.joints_px.shape != (*labels.shape, len(JOINTS), 2) or poses.metre_px.shape != labels.shape:
        raise ShardError(f"{path}: joints are {list(poses.joints_px.shape)} for labels {list(labels.shape)}")
    return Shard(path, jpegs, offsets, labels, poses, meta)


def _check(path: Path, jpegs: NDArray[Any], offsets: NDArray[Any], labels: NDArray[Any], metas: Sequence[Any]) -> None:
    if labels.ndim != 2 or labels.dtype != np.int16 or len(labels) != len(metas):
        raise ShardError(f"{path}: labels are {labels.dtype} {list(labels.shape)} for {len(metas)} clips")
    if not all(isinstance(meta, dict) for meta in metas):
        raise ShardError(f'{path}: what its clips are made of must be told by name, as in {{"number": 3}}')
    if labels.size and (labels.min() < UNLABELLED or labels.max() >= len(LABELS)):
        raise ShardError(f"{path}: labels from {labels.min()} to {labels.max()}, but there are {len(LABELS)} classes")
    if jpegs.dtype != np.uint8 or offsets.dtype != np.int64 or offsets.shape != (labels.size + 1,):
        raise ShardError(f"{path}: {offsets.size} offsets for {labels.size} frames; there must be one more than frames")
    if offsets[0] != 0 or offsets[-1] != jpegs.size or (np.diff(offsets) <= 0).any():
        raise ShardError(f"{path}: the offsets do not rise from 0 to the {jpegs.size} bytes of pictures")


def write_shard(
    path: Path,
    jpegs: Sequence[bytes],
    labels: NDArray[np.int16],
    meta: Sequence[Mapping[str, Any]],
    poses: Poses | None = None,
) -> None:
    """Write a shard whole: a reader never sees half of one.

    Args:
        path: its file.
        jpegs: pictures of all clips, frame by frame.
        labels: int16 `[clips, frames]`.
        meta: one for each clip.
        poses: of all clips, where they are known.
    """
    lengths = np.array([len(picture) for picture in jpegs], np.int64)
    unfinished = path.with_suffix(".part")
    arrays: dict[str, Any] = {
        "jpegs": np.frombuffer(b"".join(jpegs), np.uint8),
        "offsets": np.concatenate([[0], lengths.cumsum()]).astype(np.int64),
        "labels": labels,
        "meta": np.array([json.dumps(entry) for entry in meta]),
    }
    if poses is not None:
        arrays |= {"joints_px": poses.joints_px, "metre_px": poses.metre_px}
    with unfinished.open("wb") as file:
        np.savez(file, **arrays)
    unfinished.replace(path)


class ClipFolder:
    """All clips of some folders, of one split or any; `refresh` finds shards that came since."""

    def __init__(self, folders: Sequence[Path], split: str | None = None) -> None:
        self._folders, self._split = tuple(folders), split
        self._shards: dict[Path, Shard] = {}
        self.labels: NDArray[np.int16] = np.zeros((0, FRAMES_PER_CLIP), np.int16)
        """int16 `[clips, frames]`."""
        self._places: list[tuple[Shard, int]] = []
        self.refresh()

    def __len__(self) -> int:
        return len(self._places)

    def refresh(self) -> int:
        """Read what is new; returns how many clips came.

        Raises:
            ShardError: a shard is damaged, or its clips have another length or are of another split.
        """
        before = len(self)
        for folder in self._folders:
            for path in sorted(folder.glob(SHARDS)):
                if path not in self._shards:
                    self._add(read_shard(path))
        if len(self) > before:
            self.labels = np.concatenate([shard.labels for shard in self._shards.values()])
        return len(self) - before

    def _add(self, shard: Shard) -> None:
        if shard.labels.shape[1] != FRAMES_PER_CLIP:
            raise ShardError(f"{shard.path}: clips of {shard.labels.shape[1]} frames; {FRAMES_PER_CLIP} are expected")
        others = [clip["split"] for clip in shard.meta if clip.get("split", self._split) != self._split]
        if self._split is not None and others:
            raise ShardError(f"{shard.path}: its clips are of the split {others[0]}; {self._split} is expected here")
        if self._split == "train" and any(clip.get("subject") == HELD_SUBJECT for clip in shard.meta):
            raise ShardError(f"{shard.path}: subject {HELD_SUBJECT} is there, on whom the model is to be measured")
        self._shards[shard.path] = shard
        self._places += [(shard, clip) for clip in range(len(shard.labels))]

    def frames(self, clip: int, indices: Sequence[int]) -> NDArray[np.uint8]:
        """Some pictures of a clip: uint8 `[frames, height, width, 3]`, RGB."""
        shard, index = self._places[clip]
        return np.stack([shard.frame(index, frame) for frame in indices])

    def poses(self, clip: int, indices: Sequence[int]) -> Poses:
        """Where the person is in some pictures of a clip."""
        shard, index = self._places[clip]
        return Poses(shard.poses.joints_px[index, indices], shard.poses.metre_px[index, indices])

    def meta(self, clip: int) -> Mapping[str, Any]:
        """What the clip was made of."""
        shard, index = self._places[clip]
        return shard.meta[index]


def clips_in(folders: Sequence[Path], split: str | None = None) -> ClipFolder:
    """All clips of these folders.

    Args:
        folders: where the shards are.
        split: `train` or `held`, what rendered clips of these folders must be made of, and with `train` no real ones of
            the held subject; None if that does not matter.

    Raises:
        ShardError: a folder is none, there are no clips in any, a shard is damaged or of another split.
    """
    for folder in folders:
        if not folder.is_dir():
            raise ShardError(f"{folder}: there is no such folder of clips")
    clips = ClipFolder(folders, split)
    if not len(clips):
        names = ", ".join(map(str, folders))
        raise ShardError(f"{names}: no clips ({SHARDS}) there; python -m movinet_edge.training.render makes them")
    return clips
