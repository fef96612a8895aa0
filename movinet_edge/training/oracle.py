"""What could be known of held clips by somebody who saw every joint: the limit that the motions learnt from set.

A small network learns the classes from the joints that rendered clips tell, instead of from pictures: minutes on one
core. Where it is wrong, training lacks ways of doing something; where only the real network is, that one does not see.
"""

import argparse
import math
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch import Tensor, nn
from torch.nn import functional

from movinet_edge.argument_types import not_negative_int, positive_int
from movinet_edge.training.clips import ClipFolder, Poses, clips_in
from movinet_edge.training.evaluate import Confusion, report, spans
from movinet_edge.training.labels import LABELS, UNLABELLED
from movinet_edge.training.poses import JOINTS, MIRRORED, hips_of
from movinet_edge.training.usage import errors_told
from movinet_edge.training.windows import hide

WINDOW = 16
"""Frames that it averages, as the model card's figures do."""

_VALUES = 2 * len(JOINTS) + 2 + 1 + 1
_WIDTH = 192
_REACH = (1, 1, 2, 2)
"""How many frames lie between those that each convolution over three looks at."""
_LARGEST = 3.0
"""What is larger is a person right before the camera."""
_NOISE_M = 0.02
_RARE = 0.6
"""How much more rare classes count: 0 is not at all, 1 is until all weigh the same."""
_BATCH = 64
_LEARNING_RATE, _WARM_UP_STEPS, _WEIGHT_DECAY = 2e-3, 100, 0.05


def movements(joints_px: NDArray[np.float32], metre_px: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the oracle is told: the same wherever in the picture, and however large, somebody does it.

    Args:
        joints_px: float32 `[clips, frames, 13, 2]`, NaN where nobody is in sight.
        metre_px: float32 `[clips, frames]`, pixels of one metre at the hips.

    Returns:
        float32 `[clips, frames, 30]`: joints from the middle of the hips, in metres; three times the hips' step since
        the frame before; three times the logarithm of the picture's growth since then, all within ±3; and whether
        somebody is in sight. All is 0 where nobody is.
    """
    seen = ~np.isnan(joints_px).any((2, 3)) & ~np.isnan(metre_px)
    metre = np.where(seen, metre_px, np.nan)[..., None]
    hips = hips_of(joints_px)
    steps, growth = np.zeros_like(hips), np.zeros_like(metre)
    steps[:, 1:] = np.diff(hips, axis=1) / metre[:, 1:]
    growth[:, 1:] = np.diff(np.log(metre), axis=1)
    shape = ((joints_px - hips[:, :, None]) / metre[..., None]).reshape(*seen.shape, -1)
    told = np.nan_to_num(np.concatenate([shape, 3 * steps, 3 * growth], -1)).clip(-_LARGEST, _LARGEST)
    return np.concatenate([np.where(seen[..., None], told, 0.0), seen[..., None]], -1).astype(np.float32)


class Oracle(nn.Module):
    """Causal convolutions over movements; the sum of the newest frame and the mean of the last ones."""

    def __init__(self) -> None:
        super().__init__()
        self.begin = nn.Sequential(nn.Conv1d(_VALUES, _WIDTH, 1), nn.BatchNorm1d(_WIDTH), nn.ReLU())
        self.looks = nn.ModuleList(nn.Conv1d(_WIDTH, _WIDTH, 3, dilation=reach) for reach in _REACH)
        self.norms = nn.ModuleList(nn.BatchNorm1d(_WIDTH) for _ in _REACH)
        self.dropout = nn.Dropout(0.2)
        self.classes = nn.Linear(_WIDTH, len(LABELS))

    def forward(self, told: Tensor) -> Tensor:
        """Logits after each frame `[clips, frames, classes]` of movements `[clips, frames, 30]`."""
        x = self.begin(told.transpose(1, 2))
        for look, norm, reach in zip(self.looks, self.norms, _REACH, strict=True):
            x = self.dropout(x + functional.relu(norm(look(functional.pad(x, (2 * reach, 0))))))
        sums = functional.pad(x.cumsum(2), (WINDOW, 0))
        count = torch.arange(1, x.shape[2] + 1).clamp(max=WINDOW)
        usual = (sums[:, :, WINDOW:] - sums[:, :, :-WINDOW]) / count
        logits: Tensor = self.classes((usual + x).transpose(1, 2))
        return logits


def learn(clips: ClipFolder, steps: int, seed: int) -> Oracle:
    """An oracle that has learnt from these clips, `steps` times 64 of them."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    joints_px, metre_px, labels = _told(clips)
    often = np.bincount(labels[labels != UNLABELLED], minlength=len(LABELS))
    weights = np.where(often > 0, (often.mean() / often.clip(1)) ** _RARE, 0.0)
    oracle = Oracle()
    optimizer = torch.optim.AdamW(oracle.parameters(), weight_decay=_WEIGHT_DECAY)
    for step in track(range(steps), "oracle", console=Console(stderr=True), transient=True):
        for group in optimizer.param_groups:
            group["lr"] = _LEARNING_RATE * _schedule(step, steps)
        chosen = rng.integers(0, len(clips), _BATCH)
        joints, mirrored = joints_px[chosen], rng.random(_BATCH) < 0.5
        joints[mirrored] = joints[mirrored][:, :, MIRRORED] * np.array((-1, 1), np.float32)
        told = movements(joints, metre_px[chosen])
        told[..., :-1] += rng.normal(0, _NOISE_M, told[..., :-1].shape) * told[..., -1:]
        said = oracle(torch.from_numpy(told))
        loss = functional.cross_entropy(
            said.flatten(0, 1), torch.from_numpy(labels[chosen]).flatten(),
            torch.tensor(weights, dtype=torch.float32), ignore_index=UNLABELLED,
        )  # fmt: skip
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    oracle.eval()
    return oracle


def _schedule(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / _WARM_UP_STEPS) * (1 + math.cos(math.pi * step / steps)) / 2


def judge(oracle: Oracle, clips: ClipFolder) -> Confusion:
    """Each span of each clip by what the oracle says at its last frame, as `evaluate.judge` does of a model."""
    joints_px, metre_px, labels = _told(clips)
    with torch.no_grad():
        best = oracle(torch.from_numpy(movements(joints_px, metre_px))).argmax(-1).numpy()
    counts = np.zeros((len(LABELS), len(LABELS)), np.int64)
    for clip, row in enumerate(labels):
        for label, _, last in spans(row):
            counts[label, best[clip, last]] += 1
    return Confusion(counts)


def _told(clips: ClipFolder) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    every = range(clips.labels.shape[1])
    places = [clips.poses(clip, every) for clip in range(len(clips))]
    seen = Poses(np.stack([place.joints_px for place in places]), np.stack([place.metre_px for place in places]))
    hide(seen, clips.labels)
    return seen.joints_px, seen.metre_px, clips.labels.astype(np.int64)


def main() -> None:
    """As the command line says."""
    parser = argparse.ArgumentParser(prog="python -m movinet_edge.training.oracle", description=__doc__)
    parser.add_argument("--data", type=Path, action="append", required=True, help="folder of shards; may be repeated")
    parser.add_argument("--held", type=Path, required=True, help="folder of shards of other motions, to be judged")
    parser.add_argument("--steps", type=positive_int, default=5000, help="of 64 clips each (default: 5000)")
    parser.add_argument("--seed", type=not_negative_int, default=0, help="of all chance (default: 0)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with errors_told(parser):
        clips, held = clips_in(arguments.data, "train"), clips_in([arguments.held], "held")
    for folders, there in ((arguments.data, clips), ([arguments.held], held)):
        if not any(np.isfinite(there.poses(clip, [0]).metre_px).all() for clip in range(len(there))):
            names = ", ".join(map(str, folders))
            parser.error(f"{names}: no clips that tell joints; python -m movinet_edge.training.render makes them")
    sys.stdout.writelines(report(judge(learn(clips, arguments.steps, arguments.seed), held), "from their joints alone"))


if __name__ == "__main__":
    main()
