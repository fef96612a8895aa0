"""Makes an exported model trainable again: its constants become weights, each with a norm that clips have measured."""

import argparse
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from movinet_edge.api.errors import ModelError
from movinet_edge.argument_types import positive_int
from movinet_edge.engine.rewrite.constants import real_values
from movinet_edge.engine.rewrite.graph import Graph
from movinet_edge.engine.rewrite.reading import read_graph
from movinet_edge.engine.rewrite.refused import RewriteRefused
from movinet_edge.engine.runtime import check_file
from movinet_edge.training.augment import fit
from movinet_edge.training.checkpoint import save_weights
from movinet_edge.training.clips import FRAMES_PER_CLIP, ClipFolder, clips_in
from movinet_edge.training.folding import DEPTHWISE, NORM_EPSILON, WeightsError
from movinet_edge.training.labels import LABELS
from movinet_edge.training.network import Movinet, as_clips
from movinet_edge.training.usage import errors_told, weights_to_write

_SIZE = 0.1
"""Root of the mean square of each kernel. The norm takes back any factor on it; this is about what training ends with,
so that a step changes all kernels by about as much as it did then."""
_DENSE = ("hidden", "classes")


def thaw(file: Path, clips: ClipFolder, chosen: Sequence[int]) -> Movinet:
    """The network of a file that `export` has written, ready to be used or trained; lessons are left to chance.

    Quantised weights stay rounded. The norms have the mean and the variance that these clips show, so that in training,
    where each batch has its own, the network begins with what it knew.

    Args:
        file: a `.tflite`, float32 or int8.
        clips: what it is to be trained on, or the like.
        chosen: which of them to look at.

    Raises:
        WeightsError: the file is none of this network's, or there are no clips.
    """
    if not chosen:
        raise WeightsError("no clips to look at")
    try:
        check_file(file)
        graph, interface = read_graph(file.read_bytes())
    except ModelError as error:
        raise WeightsError(str(error)) from error
    except (RewriteRefused, struct.error) as error:
        raise WeightsError(f"{file}: {error}") from error
    network = Movinet(len(LABELS))
    try:
        _fill(network, _constants(graph))
    except (KeyError, ValueError, RuntimeError) as error:
        raise WeightsError(
            f"{file}: {error}; it has to be one that movinet_edge.training.export has written"
        ) from error
    network.eval()
    frames = list(range(FRAMES_PER_CLIP))
    with torch.no_grad(), _norms_measured(network):
        for clip in chosen:
            network(as_clips(fit(clips.frames(int(clip), frames), interface.image.shape[-2])[None]))
    return network


def _constants(graph: Graph) -> dict[str, Tensor]:
    """Weights and biases as PyTorch has them, by their names in the graph."""
    found = {}
    for tensor in graph.tensors():
        place, _, part = tensor.name.rpartition(".")
        if tensor.data is None or part not in {"weights", "bias"}:
            continue
        values = real_values(tensor)
        if part == "weights":
            values = values.transpose((3, 0, 1, 2) if place.rsplit(".", 1)[-1] in DEPTHWISE else (0, 3, 1, 2))
        found[tensor.name] = torch.from_numpy(np.array(values))
    return found


def _fill(network: Movinet, constants: dict[str, Tensor]) -> None:
    for name in _DENSE:
        dense = network.get_submodule(name)
        dense.load_state_dict({"weight": constants[f"{name}.weights"][:, :, 0, 0], "bias": constants[f"{name}.bias"]})
    for name, part in _convolutions(network):
        weights, bias = constants[f"{name}.weights"], constants[f"{name}.bias"]
        size = weights.square().mean((1, 2, 3), keepdim=True).sqrt()
        # A kernel of nothing stays the one of chance, times nothing, or it would never learn.
        kernels = torch.where(size > 0, weights * _SIZE / size, part.convolution.weight.detach())
        part.convolution.load_state_dict({"weight": kernels})
        _tell(part.norm, torch.zeros_like(bias), torch.ones_like(bias), size.flatten() / _SIZE, bias)


def _convolutions(network: Movinet) -> list[tuple[str, nn.Module]]:
    return [(name, part) for name, part in network.places().items() if hasattr(part, "norm")]


def _tell(norm: nn.Module, mean: Tensor, variance: Tensor, factor: Tensor, bias: Tensor) -> None:
    """Let a norm make `factor × x + bias` of what it is given, of this mean and variance."""
    gain = factor * (variance + NORM_EPSILON).sqrt()
    values = {"weight": gain, "bias": bias + factor * mean, "running_mean": mean, "running_var": variance}
    norm.load_state_dict(values | {"num_batches_tracked": torch.tensor(0)})


@contextmanager
def _norms_measured(network: Movinet) -> Iterator[None]:
    """Afterwards the norms know what has come in; what they make of it stays the same."""
    sums: dict[str, Tensor] = {}

    def watch(name: str, norm: nn.Module) -> torch.utils.hooks.RemovableHandle:
        def look(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            values = inputs[0].double()
            now = torch.stack([values.new_full((values.shape[1],), values.numel() / values.shape[1]),
                               values.sum((0, 2, 3)), values.square().sum((0, 2, 3))])  # fmt: skip
            sums[name] = sums[name] + now if name in sums else now

        return norm.register_forward_pre_hook(look)

    parts = _convolutions(network)
    handles = [watch(name, part.norm) for name, part in parts]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
    for name, part in parts:
        count, total, squares = sums[name]
        mean, norm = total / count, part.norm
        variance = (squares / count - mean.square()).clamp(min=0.0)
        factor = norm.weight / (norm.running_var + NORM_EPSILON).sqrt()
        bias = norm.bias - factor * norm.running_mean
        _tell(norm, mean.float(), variance.float(), factor, bias)


def main() -> None:
    """Write the weights of a model file."""
    parser = argparse.ArgumentParser(
        prog="python -m movinet_edge.training.thaw",
        description=__doc__,
        epilog="example: python -m movinet_edge.training.thaw --model movinet_edge/models/builtin.tflite "
        "--data clips/train --out runs/before.npz, and then train with --start-from runs/before.npz",
    )
    parser.add_argument("--model", type=Path, required=True, help="a .tflite of movinet_edge.training.export")
    parser.add_argument("--data", type=Path, action="append", required=True, help="folder of shards; may be repeated")
    parser.add_argument("--clips", type=positive_int, default=60, help="how many clips are looked at (default: 60)")
    parser.add_argument("--out", type=weights_to_write, required=True, help="weights.npz to write")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with errors_told(parser):
        clips = clips_in(arguments.data, "train")
        chosen = np.random.default_rng(0).permutation(len(clips))[: arguments.clips]
        network = thaw(arguments.model, clips, chosen.tolist())
        save_weights(network, arguments.out)


if __name__ == "__main__":
    main()
