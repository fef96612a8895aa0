"""Values of quantised constants, and the int8 weights that LiteRT's dynamic-range convolutions take."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from movinet_edge.engine.rewrite.graph import Quantization, Tensor

INT8_LIMIT = 127
"""Weights use −127…127, so that a change of sign stays in range. Source: LiteRT's 8-bit quantisation specification."""

# Below any scale that matters, above what float32 loses when it is multiplied by another scale.
_SMALLEST_SCALE = 1e-12


def real_values(tensor: Tensor) -> NDArray[np.float32]:
    """A constant's values as float32, in the tensor's shape.

    Raises:
        ValueError: it is no constant, or integers without a scale.
    """
    if tensor.data is None:
        raise ValueError(f"{tensor.name!r} is no constant")
    if tensor.dtype.kind == "f":
        return tensor.data.astype(np.float32)
    if tensor.quantization is None:
        raise ValueError(f"{tensor.name!r} has integers without a scale")
    scale, zero_point = (
        along(values, tensor.quantization.axis, tensor.data.ndim)
        for values in (tensor.quantization.scale, tensor.quantization.zero_point)
    )
    values: NDArray[np.float32] = ((tensor.data.astype(np.float64) - zero_point) * scale).astype(np.float32)
    return values


def along(values: NDArray[Any], axis: int, rank: int) -> NDArray[Any]:
    """One value, or one for each index of `axis`, in a shape that broadcasts against a tensor of that rank."""
    if values.size == 1:
        return values.reshape(())
    shape = [1] * rank
    shape[axis] = values.size
    return values.reshape(shape)


def per_output(values: NDArray[Any], outputs: int) -> NDArray[Any]:
    """`[outputs]` from one value for all or one for each."""
    return np.broadcast_to(values.reshape(-1), (outputs,))


def int8_weights(name: str, weights: NDArray[np.float32]) -> Tensor:
    """Symmetric int8 weights with one scale per output, which is the first dimension: what a converter makes."""
    largest = np.abs(weights).reshape(weights.shape[0], -1).max(axis=1)
    scale = np.maximum(largest / INT8_LIMIT, _SMALLEST_SCALE).astype(np.float32)
    stored = np.clip(np.rint(weights / along(scale, 0, weights.ndim)), -INT8_LIMIT, INT8_LIMIT).astype(np.int8)
    return Tensor.constant(name, stored, Quantization.symmetric(scale))
