"""Which clip is which: the class of each number, and the shards that hold them, made by several processes."""

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from multiprocessing import active_children, get_context
from pathlib import Path

import cv2
import numpy as np

from movinet_edge.training.clips import SHARDS, Poses, ShardError, read_shard, write_shard
from movinet_edge.training.labels import LABELS
from movinet_edge.training.orphans import end_with_parent
from movinet_edge.training.render.assets import Assets
from movinet_edge.training.render.catalogue import SPLITS, Split
from movinet_edge.training.render.clip import ClipMaker
from movinet_edge.training.render.film import jpeg

CLIPS_PER_SHARD = 200
# Everyday movement and lying are what falls are told from, so they take the turns that empty rooms don't need.
_INSTEAD_OF_NOBODY = ("fall", "idle", "lie", "idle")
_NOBODY_TURNS = 3


@dataclass(frozen=True, slots=True)
class _Work:
    """One shard to write: its first clip and how many follow."""

    assets: Path
    path: Path
    split: Split
    seed: int
    first: int
    count: int


def label_of(number: int) -> str:
    """The class of a clip by its number: each in turn, `nobody` in three turns of seven."""
    turn, place = divmod(number, len(LABELS))
    label = LABELS[place]
    rest = turn % (_NOBODY_TURNS + len(_INSTEAD_OF_NOBODY)) - _NOBODY_TURNS
    return _INSTEAD_OF_NOBODY[rest] if label == "nobody" and rest >= 0 else label


def render(
    assets: Path, out: Path, split: Split, clips: int, seed: int, *, jobs: int, resume: bool
) -> Iterator[tuple[Path, int]]:
    """Write the shards of `clips` clips to `out`/`split`; yields each file and its number of clips once it is there.

    With `resume`, shards stay that hold just the clips that they should.

    Raises:
        FileNotFoundError: one of the packages is missing.
        ValueError: the folder holds other shards beside these.
    """
    Assets(assets).require_packages()
    folder = out / split
    works = [
        _Work(assets, folder / f"shard_{shard:05d}.npz", split, seed, first, min(CLIPS_PER_SHARD, clips - first))
        for shard, first in enumerate(range(0, clips, CLIPS_PER_SHARD))
    ]
    _refuse_others(folder, works)
    folder.mkdir(parents=True, exist_ok=True)
    pending = []
    for work in works:
        if resume and _is_done(work):
            yield work.path, work.count
        else:
            pending.append(work)
    if not pending:
        return
    # Not forked: a copy of a process whose OpenCV has threads waits for threads that it does not have.
    with ProcessPoolExecutor(min(jobs, len(pending)), get_context("spawn"), _begin_worker) as pool:
        try:
            for finished in as_completed([pool.submit(_write, work) for work in pending]):
                yield finished.result()
        except BaseException:  # who stops does not wait for whole shards that nobody wants any more
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in active_children():
                worker.terminate()
            raise


def _refuse_others(folder: Path, works: Sequence[_Work]) -> None:
    """Whoever trains reads every shard of a folder, also what an earlier and larger run has left there."""
    others = sorted(set(folder.glob(SHARDS)) - {work.path for work in works})
    if others:
        raise ValueError(
            f"{others[0]} is none of the {len(works)} shards to write, but would be trained on with them "
            f"({len(others)} such in all): remove what is left from another run, or choose another folder with --out"
        )


def _is_done(work: _Work) -> bool:
    """Whether the shard is there, whole, with just the clips that it should have: not of other numbers or seeds."""
    try:
        found = [(clip.get("split"), clip.get("seed"), clip.get("number")) for clip in read_shard(work.path).meta]
    except ShardError:  # there is none, or it is damaged
        return False
    return found == [(work.split, work.seed, number) for number in range(work.first, work.first + work.count)]


def _begin_worker() -> None:
    """Let a worker end at once with Ctrl-C, and with the command that wanted its shards, however that ended."""
    cv2.setNumThreads(1)  # one process for each core is faster than threads that wait for each other
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where Ctrl-C is for somebody else
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    end_with_parent()


@cache
def _assets(folder: Path) -> Assets:
    """Read once in each process: people and places take longer to read than some shards would like."""
    return Assets(folder)


def _write(work: _Work) -> tuple[Path, int]:
    maker = ClipMaker(_assets(work.assets), work.split, work.seed)
    clips = [maker.make(number, label_of(number)) for number in range(work.first, work.first + work.count)]
    random = np.random.default_rng([SPLITS.index(work.split), work.seed, work.first])
    qualities = random.integers(40, 91, size=work.count).tolist()  # as cameras set them
    pictures = [
        jpeg(picture, quality).tobytes()
        for clip, quality in zip(clips, qualities, strict=True)
        for picture in clip.pictures
    ]
    poses = Poses(np.stack([clip.poses.joints_px for clip in clips]), np.stack([clip.poses.metre_px for clip in clips]))
    write_shard(work.path, pictures, np.stack([clip.labels for clip in clips]), [clip.meta for clip in clips], poses)
    return work.path, work.count
