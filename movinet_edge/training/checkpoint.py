"""Keeps a training run on disk, so that it can go on after it was stopped, and hands its weights to the export."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn, optim
from torch.optim.swa_utils import AveragedModel

from movinet_edge.training.folding import WeightsError, read_weights
from movinet_edge.training.labels import LABELS
from movinet_edge.training.network import Movinet
from movinet_edge.training.poses import LESSONS

CHECKPOINT, WEIGHTS = "last.pt", "weights.npz"

_MOST_SAID = 200
"""Characters of what PyTorch says of a file: it may name each array of the network."""
_EMA_DECAY = 0.998
"""The weights that are exported are an average over about the last 500 steps, or over most of fewer."""


class Run:
    """A network in training, with all that must be kept to go on."""

    def __init__(self, learning_rate: float, weight_decay: float, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.network = Movinet(len(LABELS)).to(self.device, memory_format=torch.channels_last)
        self.average = AveragedModel(self.network, avg_fn=_moving_average, use_buffers=True)
        self.optimizer = optim.AdamW(_groups(self.network, weight_decay), learning_rate)
        self.windows = 0
        """How many windows it has been trained on."""

    def save(self, folder: Path) -> None:
        """Write `last.pt`, and `weights.npz` for the export."""
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f"{CHECKPOINT}.part"
        torch.save(
            {
                "network": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "windows": self.windows,
            },
            unfinished,
        )
        unfinished.replace(folder / CHECKPOINT)
        save_weights(self.average.module, folder / WEIGHTS)

    def resume(self, file: Path) -> None:
        """Go on where a run stopped.

        Raises:
            WeightsError: the file is damaged or no checkpoint of this network's.
        """
        with _told_of(file, "give another --run, and this folder's weights.npz as --start-from"):
            kept = _load(file)
            self.network.load_state_dict(kept["network"])
            self.average.load_state_dict(kept["average"])
            self.optimizer.load_state_dict(kept["optimizer"])
            self.windows = int(kept["windows"])

    def start_from(self, file: Path) -> None:
        """Begin a new run with what another has learnt: its `last.pt`, or a `weights.npz`.

        What answers lessons begins anew where it has changed, or is not there.

        Raises:
            WeightsError: the file is damaged or none of this network's.
        """
        with _told_of(file, f"it has to be {CHECKPOINT} or {WEIGHTS} of a run"):
            kept = _read_weights(file) if file.suffix == Path(WEIGHTS).suffix else _average(_load(file))
            own = self.network.state_dict()
            for lesson in LESSONS:
                now, before = ({n: v for n, v in state.items() if n.startswith(lesson)} for state in (own, kept))
                if {n: v.shape for n, v in now.items()} != {n: v.shape for n, v in before.items()}:
                    kept = {n: v for n, v in kept.items() if n not in before} | now
            self.network.load_state_dict(kept)
            self.average.module.load_state_dict(kept)


@contextmanager
def _told_of(file: Path, remedy: str) -> Iterator[None]:
    """Whatever is found wrong with a file becomes one error that names it."""
    try:
        yield
    except (WeightsError, OSError):
        raise
    except Exception as error:  # PyTorch has no kind of its own for a damaged or foreign file
        raise WeightsError(f"{file} is of another network ({shorten(str(error), _MOST_SAID)}); {remedy}") from error


def _moving_average(average: Tensor, current: Tensor, steps: Tensor | int) -> Tensor:
    decay = min(_EMA_DECAY, (1 + float(steps)) / (10 + float(steps)))
    return average + (current - average) * (1 - decay)


def save_weights(network: nn.Module, file: Path) -> None:
    """The weights as NumPy arrays, which the export reads without PyTorch."""
    arrays: Mapping[str, Any] = {name: value.cpu().numpy() for name, value in network.state_dict().items()}
    unfinished = file.with_suffix(".part")
    with unfinished.open("wb") as target:
        np.savez(target, **arrays)
    unfinished.replace(file)


def _read_weights(file: Path) -> dict[str, Tensor]:
    read_weights(file)  # so that a file of another kind is told from one of ours
    with np.load(file, allow_pickle=False) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays}


def _average(kept: Mapping[str, Any]) -> dict[str, Tensor]:
    prefix = "module."
    return {n.removeprefix(prefix): value for n, value in kept["average"].items() if n.startswith(prefix)}


def _load(file: Path) -> dict[str, Any]:
    try:
        kept: dict[str, Any] = torch.load(file, weights_only=True, map_location="cpu")
    except OSError:
        raise
    except Exception as error:  # what PyTorch says of it is long, and advises to trust the file
        raise WeightsError(f"{file} is damaged, or no checkpoint of a training run") from error
    return kept


def _groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Norms and biases keep their size: decay would only slow them down."""
    matrices = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in network.parameters() if parameter.ndim <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
