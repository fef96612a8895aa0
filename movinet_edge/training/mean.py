"""The mean of the weights of several stages of one training, array by array."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from movinet_edge.training.folding import WeightsError, read_weights
from movinet_edge.training.poses import LESSONS
from movinet_edge.training.usage import errors_told, weights_to_write


def mean_weights(files: list[Path], out: Path) -> None:
    """Write the mean of these `weights.npz`, array by array, as another one.

    Raises:
        WeightsError: one is none of this network's.
    """
    for file in files:
        read_weights(file)
    stages = [_arrays(file) for file in files]
    for file, stage in zip(files, stages, strict=True):
        if stage.keys() != stages[0].keys():
            raise WeightsError(f"{file} has other arrays than {files[0]}: give stages of one training")
    means = {name: np.mean([stage[name] for stage in stages], axis=0) for name in stages[0]}
    unfinished = out.with_suffix(".part")
    with unfinished.open("wb") as target:
        np.savez(target, **{name: values.astype(stages[0][name].dtype) for name, values in means.items()})
    unfinished.replace(out)


def _arrays(file: Path) -> dict[str, NDArray[Any]]:
    """All but what training alone uses, in which stages may differ."""
    with np.load(file, allow_pickle=False) as arrays:
        return {name: value for name, value in arrays.items() if not name.startswith(LESSONS)}


def main() -> None:
    """As the command line says."""
    parser = argparse.ArgumentParser(prog="python -m movinet_edge.training.mean", description=__doc__)
    parser.add_argument("weights", type=Path, nargs="+", help="the weights.npz of each stage")
    parser.add_argument("--out", type=weights_to_write, required=True, help="where to write theirs")
    arguments = parser.parse_args()
    with errors_told(parser):
        mean_weights(arguments.weights, arguments.out)


if __name__ == "__main__":
    main()
