"""Trained weights as a TFLite graph wants them: norms folded into the convolutions, dimensions in its order."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from movinet_edge.training.architecture import HEAD_WIDTH, HIDDEN_WIDTH, LAYERS, STEM_WIDTH
from movinet_edge.training.errors import InputError
from movinet_edge.training.labels import LABELS

NORM_EPSILON = 1e-3
"""As TensorFlow's MoViNet has it; the network in PyTorch takes it from here."""

DEPTHWISE = ("space", "time")
"""The parts of a layer in which each channel has a kernel of its own."""
_NORM = ("weight", "bias", "running_mean", "running_var")


class WeightsError(InputError):
    """A file of weights does not belong to this network; the text says what is missing or wrong."""


@dataclass(frozen=True, slots=True)
class Folded:
    """One convolution or dense layer.

    Attributes:
        weights: float32, `[outputs, height, width, inputs]`, or `[1, height, width, channels]` where `depthwise`.
        bias: float32 `[outputs]`.
        depthwise: each channel has a kernel of its own.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    depthwise: bool = False


def read_weights(file: Path) -> dict[str, Folded]:
    """All convolutions of a `weights.npz`, by their place in the network, such as `block1_layer0.expand`.

    Raises:
        WeightsError: the file is none of this network's.
    """
    try:
        with file.open("rb") as content, np.load(content, allow_pickle=False) as arrays:
            folded = fold(arrays)
    except Exception as error:  # a damaged file ends in a dozen kinds, some of zipfile and zlib
        raise WeightsError(f"{file}: {error}") from error
    classes = len(folded["classes"].bias)
    if classes != len(LABELS):
        raise WeightsError(f"{file}: it tells {classes} classes, expected {len(LABELS)}")
    if not all(np.isfinite(part.weights).all() and np.isfinite(part.bias).all() for part in folded.values()):
        raise WeightsError(f"{file}: not all of its numbers are finite, so its training failed")
    return folded


def fold(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Folded]:
    """As `read_weights`, from the arrays of the file."""
    folded = {name: _convolution(arrays, prefix) for name, prefix in _convolutions().items()}
    for name in ("hidden", "classes"):
        weights, bias = _array(arrays, f"{name}.weight"), _array(arrays, f"{name}.bias")
        folded[name] = Folded(weights[:, None, None, :], bias)
    _check(folded)
    return folded


def _convolutions() -> dict[str, str]:
    """Place in the network → prefix of its arrays."""
    places = {"stem": "stem", "head": "head"}
    for layer in LAYERS:
        parts = ["expand", "space", "project"]
        parts += ["time"] if layer.past_frames else []
        parts += [] if layer.keeps_shape else ["shortcut"]
        places |= {f"{layer.name}.{part}": f"layers.{layer.name}.{part}" for part in parts}
    return places


def _convolution(arrays: Mapping[str, NDArray[Any]], prefix: str) -> Folded:
    kernel = _array(arrays, f"{prefix}.convolution.weight")  # [outputs, inputs, height, width]
    gain, shift, mean, variance = (_array(arrays, f"{prefix}.norm.{part}") for part in _NORM)
    factor = gain / np.sqrt(variance + NORM_EPSILON)
    depthwise = prefix.rsplit(".", 1)[-1] in DEPTHWISE
    order = (1, 2, 3, 0) if depthwise else (0, 2, 3, 1)
    weights = (kernel * factor[:, None, None, None]).transpose(order)
    return Folded(np.ascontiguousarray(weights, np.float32), (shift - mean * factor).astype(np.float32), depthwise)


def _array(arrays: Mapping[str, NDArray[Any]], name: str) -> NDArray[Any]:
    if name not in arrays:
        raise WeightsError(f"there is no array {name!r}; is this the weights.npz of a training run?")
    return arrays[name]


def _check(folded: Mapping[str, Folded]) -> None:
    expected = {"stem": (STEM_WIDTH, 3, 3, 3), "head": (HEAD_WIDTH, 1, 1, LAYERS[-1].width_out)}
    expected["hidden"] = (HIDDEN_WIDTH, 1, 1, HEAD_WIDTH)
    expected["classes"] = (len(folded["classes"].bias), 1, 1, HIDDEN_WIDTH)
    for layer in LAYERS:
        expected[f"{layer.name}.expand"] = (layer.expanded, 1, 1, layer.width_in)
        expected[f"{layer.name}.space"] = (1, layer.kernel_px, layer.kernel_px, layer.expanded)
        expected[f"{layer.name}.project"] = (layer.width_out, 1, 1, layer.expanded)
        if layer.past_frames:
            expected[f"{layer.name}.time"] = (1, layer.frames, 1, layer.expanded)
        if not layer.keeps_shape:
            expected[f"{layer.name}.shortcut"] = (layer.width_out, 1, 1, layer.width_in)
    for name, shape in expected.items():
        if folded[name].weights.shape != shape:
            raise WeightsError(f"{name} has weights {list(folded[name].weights.shape)}, expected {list(shape)}")
