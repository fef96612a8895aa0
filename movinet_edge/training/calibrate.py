"""Looks at the range of every activation while the network sees whole clips, for the quantisation."""

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from movinet_edge.argument_types import positive_int
from movinet_edge.training.architecture import IMAGE_SIZE_PX
from movinet_edge.training.augment import fit
from movinet_edge.training.clips import FRAMES_PER_CLIP, ClipFolder, clips_in
from movinet_edge.training.folding import WeightsError, read_weights
from movinet_edge.training.labels import LABELS
from movinet_edge.training.network import Movinet, as_clips
from movinet_edge.training.poses import LESSONS
from movinet_edge.training.usage import errors_told, file_to_write

_TAIL = 2e-5
"""The part of the values at each end that may be cut off: a few outliers would make the steps of all others coarse."""
_MOST_VALUES = 1 << 17
"""Values of an activation that are looked at in one clip, evenly spread; all of them would take minutes to sort."""


def load_network(weights: Path) -> Movinet:
    """The network with the weights of a `weights.npz`, ready to be used; what answers lessons is left to chance.

    Raises:
        WeightsError: the file is none of this network's.
    """
    read_weights(weights)  # so that a file of another kind is told from one of ours
    network = Movinet(len(LABELS))
    own = {name: value for name, value in network.state_dict().items() if name.startswith(LESSONS)}
    with np.load(weights, allow_pickle=False) as arrays:
        kept = {name: torch.from_numpy(arrays[name]) for name in arrays if not name.startswith(LESSONS)}
    try:
        network.load_state_dict(kept | own)
    except RuntimeError as error:
        raise WeightsError(f"{weights}: {error}") from error
    network.eval()
    return network


def observe(
    network: Movinet, clips: ClipFolder, chosen: Sequence[int], *, window: int, size_px: int = IMAGE_SIZE_PX
) -> dict[str, tuple[float, float]]:
    """Range of every activation over whole clips, so that the pool is seen full, by its place in the network."""
    ranges: dict[str, tuple[float, float]] = {}
    indices = list(range(FRAMES_PER_CLIP))
    with torch.no_grad(), _watched(network, ranges):
        for clip in chosen:
            pictures = fit(clips.frames(int(clip), indices), size_px)
            network(as_clips(pictures[None]), window=window)
    return ranges


@contextmanager
def _watched(network: Movinet, ranges: dict[str, tuple[float, float]]) -> Iterator[None]:
    def watch(name: str) -> Any:
        def look(_: nn.Module, __: Any, result: Tensor | tuple[Tensor, ...]) -> None:
            _widen(ranges, name, result if isinstance(result, Tensor) else result[0])

        return look

    handles = [module.register_forward_hook(watch(name)) for name, module in network.places().items()]
    handles.append(network.hidden.register_forward_pre_hook(lambda _, inputs: _widen(ranges, "pooled", inputs[0])))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _widen(ranges: dict[str, tuple[float, float]], name: str, values: Tensor) -> None:
    flat = values.detach().reshape(-1)
    flat = flat[:: max(1, flat.numel() // _MOST_VALUES)]
    cut = max(1, int(flat.numel() * _TAIL))
    lowest = float(flat.kthvalue(cut).values)
    highest = float(flat.kthvalue(flat.numel() - cut + 1).values)
    before = ranges.get(name, (lowest, highest))
    ranges[name] = min(before[0], lowest), max(before[1], highest)


def main() -> None:
    """Write the ranges of a trained network."""
    parser = argparse.ArgumentParser(
        prog="python -m movinet_edge.training.calibrate",
        description=__doc__,
        epilog="example: python -m movinet_edge.training.calibrate --weights runs/full/weights.npz --data clips/train "
        "--out runs/full/ranges.json",
    )
    parser.add_argument("--weights", type=Path, required=True, help="weights.npz of a training run")
    parser.add_argument("--data", type=Path, action="append", required=True, help="folder of shards; may be repeated")
    parser.add_argument("--out", type=file_to_write, required=True, help="JSON file to write")
    parser.add_argument("--clips", type=positive_int, default=60, help="how many clips are looked at (default: 60)")
    parser.add_argument("--window", type=positive_int, default=16, help="frames that the head averages (default: 16)")
    parser.add_argument(
        "--size", type=positive_int, default=IMAGE_SIZE_PX, help="side of the pictures in pixels (default: 172)"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # more wait for each other wherever the cores are shared
    with errors_told(parser):
        network = load_network(arguments.weights)
        clips = clips_in(arguments.data, "train")
        chosen = np.random.default_rng(0).permutation(len(clips))[: arguments.clips]
        ranges = observe(network, clips, chosen.tolist(), window=arguments.window, size_px=arguments.size)
        arguments.out.write_text(json.dumps(ranges, indent=1) + "\n")


if __name__ == "__main__":
    main()
