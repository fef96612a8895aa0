"""Trains the network on folders of clips. Can be stopped at any time and goes on where it was.

Small pictures and short windows first, the full size last: each is one run, the later one started from the earlier.
"""

import argparse
import math
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog
import torch
from numpy.typing import NDArray

from movinet_edge.argument_types import positive_float, positive_int
from movinet_edge.training.augment import fit, part_around
from movinet_edge.training.checkpoint import CHECKPOINT, Run
from movinet_edge.training.clips import FRAMES_PER_CLIP, ClipFolder, clips_in
from movinet_edge.training.losses import frame_loss, joint_loss, pose_loss
from movinet_edge.training.network import as_clips
from movinet_edge.training.poses import hips_of
from movinet_edge.training.together import rank, run_together, share_gradients, workers
from movinet_edge.training.usage import errors_told, share
from movinet_edge.training.windows import Batch, WindowShape, draw, joined, random_batch

_log = structlog.get_logger(__name__)

_WEIGHT_DECAY = 0.02
_GRADIENT_LIMIT = 5.0
_WARM_UP_STEPS = 100
_HEAD_WINDOWS = (8, 16)
"""How many frames the head averages, at least and at most: streams are run with any such `window`."""
_POSE_WEIGHT = 5.0
_JOINT_WEIGHT = 0.3
REAL_SHARE = 0.12
_HELD_BATCH = 16
_HELD_MARGIN, _MOSTLY = 1.4, 0.5


@dataclass(frozen=True, slots=True)
class Settings:
    """One run.

    Attributes:
        shape: of the windows.
        windows: how many to train on, in all.
        batch: windows per step and process.
        learning_rate: its highest value; it rises at the start and falls along a cosine to nothing.
        save_every_s: how often to write a checkpoint.
        report_every: windows between two looks at the held clips, and for new shards.
        held_windows: how many windows of the held clips are looked at.
        real_share: of the windows, those from real video where there is any: few people, so seen often but not mostly.
        hold_start: whether the network's first layers stay as they are.
    """

    shape: WindowShape
    windows: int
    batch: int
    learning_rate: float
    save_every_s: float = 300.0
    report_every: int = 3000
    held_windows: int = 200
    real_share: float = REAL_SHARE
    hold_start: bool = False


@dataclass(frozen=True, slots=True)
class Clips:
    """What is learnt from, and what is only looked at."""

    rendered: ClipFolder
    held: ClipFolder
    real: ClipFolder | None = None


def train(run: Run, clips: Clips, folder: Path, settings: Settings) -> None:
    """Train until the run has seen `settings.windows` windows, leaving its checkpoints in `folder`."""
    saved_at, reported, losses = time.monotonic(), run.windows, []
    for batch in _prepared(clips, settings, run.windows):
        losses.append(_step(run, batch, settings))
        if run.windows - reported >= settings.report_every or run.windows >= settings.windows:
            new = clips.rendered.refresh()
            if rank() > 0:
                reported, losses = run.windows, []
                continue
            top1 = held_accuracy(run.average, clips.held, settings.shape, settings.held_windows)
            _log.info("trained", windows=run.windows, loss=round(float(np.mean(losses)), 3), held_top1=round(top1, 3),
                      clips=len(clips.rendered), new_clips=new)  # fmt: skip
            reported, losses = run.windows, []
        if rank() == 0 and (time.monotonic() - saved_at > settings.save_every_s or run.windows >= settings.windows):
            run.save(folder)
            saved_at = time.monotonic()


def real_windows(batch: int, share: float) -> int:
    """How many windows of a step are of real video."""
    return round(batch * share)


def _prepared(clips: Clips, settings: Settings, done: int) -> Iterator[Batch]:
    """Batches, each made while the one before it is trained on."""
    rng = np.random.default_rng([done, rank()])
    real = real_windows(settings.batch, settings.real_share) if clips.real is not None else 0

    def make() -> Batch:
        batch = random_batch(clips.rendered, settings.batch - real, settings.shape, rng)
        if clips.real is None or real == 0:
            return batch
        return joined(batch, random_batch(clips.real, real, settings.shape, rng))

    with ThreadPoolExecutor(1) as maker:
        coming = None
        for _ in range(done, settings.windows, settings.batch * workers()):
            batch = make() if coming is None else coming.result()
            coming = maker.submit(make)
            yield batch


def _step(run: Run, batch: Batch, settings: Settings) -> float:
    for group in run.optimizer.param_groups:
        group["lr"] = settings.learning_rate * _schedule(run.windows, settings)
    run.network.train()
    if settings.hold_start:
        run.network.hold_start()
    run.optimizer.zero_grad()
    labels, known, joints_at = (
        torch.from_numpy(values).to(run.device) for values in (batch.labels, batch.poses, batch.joints)
    )
    with torch.autocast(run.device.type, torch.bfloat16):
        window = int(torch.randint(_HEAD_WINDOWS[0], _HEAD_WINDOWS[1] + 1, ()))
        hips = torch.from_numpy(hips_of(batch.joints)).to(run.device)
        said = run.network.learn(as_clips(batch.pictures, run.device), window, hips)
    loss = frame_loss(said.logits.float(), labels)
    poses = pose_loss(said.poses.float(), known.where(~hips.isnan().any(-1, True), torch.nan))
    joints = joint_loss(said.joints.float(), joints_at)
    (loss + _POSE_WEIGHT * poses + _JOINT_WEIGHT * joints).backward()
    share_gradients(run.network)
    torch.nn.utils.clip_grad_norm_(run.network.parameters(), _GRADIENT_LIMIT)
    run.optimizer.step()
    run.average.update_parameters(run.network)
    run.windows += len(batch.labels) * workers()
    return float(loss.detach())


def _schedule(windows: int, settings: Settings) -> float:
    steps = windows / (settings.batch * workers())
    warm = min(1.0, (steps + 1) / _WARM_UP_STEPS)
    return warm * (1 + math.cos(math.pi * min(1.0, windows / settings.windows))) / 2


def held_accuracy(network: torch.nn.Module, held: ClipFolder, shape: WindowShape, count: int) -> float:
    """Top-1 of the last frame of windows of held clips, every class alike: a quick look; NaN without clips."""
    if not len(held):
        return math.nan
    network.eval()
    device = next(network.parameters()).device
    chosen = draw(held.labels, count, shape.frames, np.random.default_rng(0))  # the same windows every time
    right = []
    for start in range(0, count, _HELD_BATCH):
        part = chosen[start : start + _HELD_BATCH]
        pictures = [_as_seen(held, int(clip), range(last - shape.frames + 1, last + 1), shape) for clip, last in part]
        clips = as_clips(np.stack(pictures), device)
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16):
            best = network(clips)[:, -1].argmax(1).cpu().numpy()
        right.append(best == held.labels[part[:, 0], part[:, 1]])
    return float(np.mean(np.concatenate(right)))


def _as_seen(held: ClipFolder, clip: int, frames: range, shape: WindowShape) -> NDArray[np.uint8]:
    """Pictures of a held clip as most of those that are trained on: the whole, or the person from nearby."""
    pictures = held.frames(clip, frames)
    part = part_around(held.poses(clip, frames).joints_px, _HELD_MARGIN) if shape.closeups > _MOSTLY else None
    if part is not None:
        side_px = pictures.shape[1]
        (left, top), (right, bottom) = (part.middle + sign * part.side / 2 for sign in (-1, 1))
        across, down = (slice(max(0, int(a)), min(side_px, int(b))) for a, b in ((left, right), (top, bottom)))
        pictures = pictures[:, down, across] if pictures[:, down, across].size else pictures
    return fit(pictures, shape.size_px)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m movinet_edge.training.train",
        description=__doc__,
        epilog="example: python -m movinet_edge.training.train --data clips/train --held clips/held --run runs/small "
        "--size 112 --frames 12 --windows 100000, and then --run runs/full --start-from runs/small/last.pt --size 172 "
        "--frames 16 --windows 20000 --learning-rate 5e-4",
    )
    parser.add_argument("--data", type=Path, action="append", required=True, help="folder of shards; may be repeated")
    parser.add_argument(
        "--real", type=Path, help="folder of shards cut from real video, see movinet_edge.training.falls"
    )
    parser.add_argument("--held", type=Path, required=True, help="folder of shards that are looked at, never learnt")
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoints; a run found there goes on")
    parser.add_argument("--start-from", type=Path, help="last.pt or weights.npz that a new run begins with")
    parser.add_argument("--size", type=positive_int, default=112, help="side of the pictures in pixels (default: 112)")
    parser.add_argument("--frames", type=positive_int, default=12, help="frames of a window (default: 12)")
    parser.add_argument(
        "--closeups", type=share, default=0.0, help="share of windows with the person from nearby (default: 0)"
    )
    parser.add_argument(
        "--idle-times",
        type=positive_float,
        default=6.0,
        help="how much more often than any other class idle comes (default: 6)",
    )
    parser.add_argument(
        "--real-share",
        type=share,
        help=f"share of the windows that comes from --real, in whole windows of a batch (default: {REAL_SHARE})",
    )
    parser.add_argument(
        "--windows", type=positive_int, default=100_000, help="windows to train on, in all (default: 100000)"
    )
    parser.add_argument("--batch", type=positive_int, default=24, help="windows per step of each process (default: 24)")
    parser.add_argument("--learning-rate", type=positive_float, default=2e-3, help="highest rate (default: 0.002)")
    parser.add_argument(
        "--hold-start",
        action="store_true",
        help="leave the first layers as they are: they learn fastest, and that costs up to a third of the time",
    )
    parser.add_argument(
        "--report-every", type=positive_int, default=3000, help="windows between two lines (default: 3000)"
    )
    parser.add_argument(
        "--device",
        type=_device,
        default="auto",
        help="what computes: cpu, or cuda as PyTorch names it (default: cuda where there is one)",
    )
    parser.add_argument(
        "--threads",
        type=positive_int,
        default=1,
        help="CPU threads (default: 1; more help only on cores that nothing else uses)",
    )
    parser.add_argument(
        "--workers", type=positive_int, default=1, help="processes, one for each core to use (default: 1)"
    )
    return parser


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise argparse.ArgumentTypeError(f"{name!r}: PyTorch has no such device here") from error
    return device


def _check(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """End with one line if the run could not begin or not be kept, before any process is started for it."""
    if arguments.hold_start and not arguments.start_from:
        parser.error("--hold-start needs a --start-from, whose first layers have learnt")
    first = arguments.start_from
    if first is not None and first.suffix not in {".pt", ".npz"}:
        parser.error(
            f"--start-from {first}: must be the last.pt or weights.npz of a run; movinet_edge.training.thaw makes a "
            "weights.npz of a model file"
        )
    if first is not None and not first.is_file():
        parser.error(f"--start-from {first}: there is no such file; give the last.pt or weights.npz of a run")
    if arguments.frames > FRAMES_PER_CLIP:
        parser.error(f"--frames {arguments.frames}: clips have {FRAMES_PER_CLIP} frames")
    if arguments.workers > 1 and arguments.device.type != "cpu":
        parser.error(
            f"--workers {arguments.workers}: several processes share a CPU's cores; {arguments.device} needs one"
        )
    if arguments.real is None and arguments.real_share is not None:
        parser.error("--real-share needs --real, the folder of clips that it is a share of")
    arguments.real_share = REAL_SHARE if arguments.real_share is None else arguments.real_share
    real = real_windows(arguments.batch, arguments.real_share)
    if arguments.real is not None and not 0 < real < arguments.batch:
        parser.error(
            f"--real-share {arguments.real_share}: {real} of the {arguments.batch} windows of a --batch; at least one "
            "must be of real video and one rendered"
        )
    with errors_told(parser):
        clips = _clips(arguments)
        for folder in (clips.rendered, clips.held, clips.real):
            if folder is not None:
                draw(folder.labels, 1, arguments.frames, np.random.default_rng(0))
        _begun(arguments)
        arguments.run.mkdir(parents=True, exist_ok=True)


def main() -> None:
    """Start a run, or go on with one."""
    parser = _parser()
    arguments = parser.parse_args()
    try:
        _check(arguments, parser)
        run_together(arguments.workers, _train, arguments)
    except KeyboardInterrupt:
        sys.stderr.write(f"Stopped. The same command goes on from {arguments.run / CHECKPOINT}, where there is one.\n")
        raise SystemExit(130) from None


def _train(arguments: argparse.Namespace) -> None:
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)  # all processes begin with the same weights
    run = _begun(arguments)
    torch.manual_seed(rank())
    if run.windows and rank() == 0:
        what = "run goes on" if run.windows < arguments.windows else "run has ended before; more --windows would go on"
        first = {"start_from": "not read again: it is for a new --run"} if arguments.start_from else {}
        _log.info(what, checkpoint=str(arguments.run / CHECKPOINT), windows=run.windows, **first)
    train(
        run,
        _clips(arguments),
        arguments.run,
        Settings(
            WindowShape(arguments.frames, arguments.size, arguments.closeups, arguments.idle_times),
            arguments.windows,
            arguments.batch,
            arguments.learning_rate,
            report_every=arguments.report_every,
            real_share=arguments.real_share,
            hold_start=arguments.hold_start,
        ),
    )


def _clips(arguments: argparse.Namespace) -> Clips:
    real = clips_in([arguments.real], "train") if arguments.real else None
    return Clips(clips_in(arguments.data, "train"), clips_in([arguments.held], "held"), real)


def _begun(arguments: argparse.Namespace) -> Run:
    """The run as it stands: going on, started from another, or new."""
    run = Run(arguments.learning_rate, _WEIGHT_DECAY, arguments.device)
    checkpoint = arguments.run / CHECKPOINT
    if checkpoint.is_file():
        run.resume(checkpoint)
    elif arguments.start_from:
        run.start_from(arguments.start_from)
    return run


if __name__ == "__main__":
    main()
