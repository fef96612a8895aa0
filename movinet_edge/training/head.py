"""Fits the last two layers to whole clips as a stream shows them, after the rest has been trained.

Training shows close-ups, odd light and the first frames of a window; a stream shows whole pictures and has a past. What
the other layers make of each frame is computed once, so that this takes minutes.
"""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import structlog
import torch
from numpy.typing import NDArray
from torch import Tensor, optim

from movinet_edge.training.augment import fit
from movinet_edge.training.checkpoint import CHECKPOINT, Run
from movinet_edge.training.clips import FRAMES_PER_CLIP, ClipFolder
from movinet_edge.training.network import Movinet, as_clips
from movinet_edge.training.train import HEAD_WINDOWS, frame_loss

_log = structlog.get_logger(__name__)

_BATCH = 32
_CLIPS_AT_ONCE = 4
_LEARNING_RATE, _WEIGHT_DECAY = 3e-4, 0.05


def features_of(network: Movinet, folder: ClipFolder, clips: Sequence[int], size_px: int) -> Tensor:
    """What the head averages, in all frames of some clips seen whole: float32 `[clips, 24, 480]`."""
    network.eval()
    found = []
    for start in range(0, len(clips), _CLIPS_AT_ONCE):
        part = clips[start : start + _CLIPS_AT_ONCE]
        pictures = np.stack([fit(folder.frames(clip, range(FRAMES_PER_CLIP)), size_px) for clip in part])
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            found.append(network.features(as_clips(pictures)).float())
    return torch.cat(found)


def fit_head(network: Movinet, features: Tensor, labels: NDArray[np.int16], epochs: int) -> float:
    """Train the two layers, in place; returns the mean loss of the last epoch.

    Args:
        network: trained already.
        features: float32 `[clips, frames, 480]`.
        labels: int16 `[clips, frames]`, an index of `LABELS` or `UNLABELLED`.
        epochs: how often to see all clips.
    """
    known = torch.from_numpy(labels.astype(np.int64))
    optimizer = optim.AdamW(
        [*network.hidden.parameters(), *network.classes.parameters()], _LEARNING_RATE, weight_decay=_WEIGHT_DECAY
    )
    network.train()
    losses: list[float] = []
    for epoch in range(epochs):
        losses.clear()
        for group in optimizer.param_groups:
            group["lr"] = _LEARNING_RATE * (1 + math.cos(math.pi * epoch / epochs)) / 2
        for chosen in torch.randperm(len(features)).split(_BATCH):
            window = int(torch.randint(HEAD_WINDOWS[0], HEAD_WINDOWS[1] + 1, ()))
            loss = frame_loss(network.classify(features[chosen], window), known[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
    network.eval()
    return float(np.mean(losses))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m movinet_edge.training.head",
        description=__doc__,
        epilog="example: python -m movinet_edge.training.head --start-from runs/full/last.pt --data clips/train "
        "--data clips/falls --size 112 --run runs/head",
    )
    parser.add_argument("--start-from", type=Path, required=True, help="checkpoint of the trained network")
    parser.add_argument("--data", type=Path, action="append", required=True, help="folder of shards; may be repeated")
    parser.add_argument("--run", type=Path, required=True, help="folder for the checkpoint and weights.npz")
    parser.add_argument("--size", type=int, default=112, help="side of the pictures in pixels (default: 112)")
    parser.add_argument("--clips", type=int, default=6000, help="how many to look at, at most (default: 6000)")
    parser.add_argument("--epochs", type=int, default=10, help="how often to see all of them (default: 10)")
    return parser.parse_args()


def main() -> None:
    """Start from a checkpoint and leave another one."""
    arguments = _arguments()
    torch.set_num_threads(1)  # the order of sums shall not depend on the machine
    torch.manual_seed(0)
    run = Run(_LEARNING_RATE, _WEIGHT_DECAY)
    run.start_from(arguments.start_from)
    folder = ClipFolder(arguments.data)
    chosen = np.random.default_rng(0).permutation(len(folder))[: arguments.clips]
    features = features_of(run.network, folder, chosen.tolist(), arguments.size)
    _log.info("features are known", clips=len(features))
    loss = fit_head(run.network, features, folder.labels[chosen], arguments.epochs)
    run.average.module.load_state_dict(run.network.state_dict())
    run.save(arguments.run)
    _log.info("head fitted", loss=round(loss, 3), checkpoint=str(arguments.run / CHECKPOINT))


if __name__ == "__main__":
    main()
