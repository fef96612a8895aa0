"""A TFLite graph in memory: tensors and operators that point at each other, so that a pass can rewire them freely."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Shape: TypeAlias = tuple[int, ...]

IMAGE, LOGITS = "image", "logits"
"""Keys of the graph's own input and output; all others are names of states."""


class Kind(IntEnum):
    """The operators that passes look at, by their number in the TFLite schema, where numbers never change."""

    ADD = 0
    AVERAGE_POOL_2D = 1
    CONCATENATION = 2
    CONV_2D = 3
    DEPTHWISE_CONV_2D = 4
    DEQUANTIZE = 6
    FULLY_CONNECTED = 9
    LOGISTIC = 14
    MUL = 18
    RELU = 19
    RELU6 = 21
    RESHAPE = 22
    TANH = 28
    MEAN = 40
    SUB = 41
    DIV = 42
    STRIDED_SLICE = 45
    CAST = 53
    SLICE = 65
    SUM = 74
    QUANTIZE = 114
    HARD_SWISH = 117
    BROADCAST_TO = 130


ARITHMETIC = frozenset({Kind.ADD, Kind.SUB, Kind.MUL, Kind.DIV})
"""Two operands, broadcast against each other."""

ELEMENTWISE = frozenset(
    {Kind.LOGISTIC, Kind.RELU, Kind.RELU6, Kind.TANH, Kind.HARD_SWISH, Kind.QUANTIZE, Kind.DEQUANTIZE}
)
"""One operand; the result has its shape."""

CONVOLUTIONS = frozenset({Kind.CONV_2D, Kind.DEPTHWISE_CONV_2D, Kind.FULLY_CONNECTED})
"""Inputs are activations, weights, bias."""

ACTIVATIONS, WEIGHTS, BIAS = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class Quantization:
    """real = scale × (stored − zero point); one pair for the tensor, or one for each index of `axis`.

    Attributes:
        scale: float32 `[n]`, positive.
        zero_point: int64 `[n]`.
        axis: the dimension that n runs along, where n > 1.
    """

    scale: NDArray[np.float32]
    zero_point: NDArray[np.int64]
    axis: int = 0

    @classmethod
    def symmetric(cls, scale: NDArray[Any], axis: int = 0) -> "Quantization":
        """Zero points of 0, as weights have them."""
        return cls(scale.astype(np.float32), np.zeros(scale.size, np.int64), axis)

    def same_as(self, other: "Quantization | None") -> bool:
        """True when a stored number means the same in both."""
        return (
            other is not None
            and np.array_equal(self.scale, other.scale)
            and np.array_equal(self.zero_point, other.zero_point)
            and (self.scale.size == 1 or self.axis == other.axis)
        )


@dataclass(slots=True, eq=False)
class Tensor:
    """A value of the graph; `data` holds that of a constant, in the tensor's shape and dtype."""

    name: str
    shape: Shape
    dtype: np.dtype[Any]
    data: NDArray[Any] | None = None
    quantization: Quantization | None = None

    @classmethod
    def constant(cls, name: str, data: NDArray[Any], quantization: Quantization | None = None) -> "Tensor":
        """A tensor that holds `data`."""
        return cls(name, data.shape, data.dtype, data, quantization)

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape))

    def is_float(self) -> bool:
        """True for float32."""
        return self.dtype == np.float32

    def is_int8(self) -> bool:
        """True for quantised values."""
        return self.dtype == np.int8 and self.quantization is not None


@dataclass(slots=True, eq=False)
class Operator:
    """One step. `options` is the schema's own table for this kind, None where it has none; see `flatbuffer`."""

    kind: int
    inputs: list[Tensor | None]
    outputs: list[Tensor]
    options: Any = None
    version: int = 1

    @property
    def output(self) -> Tensor:
        """The first result; all kinds in `Kind` have just this one."""
        return self.outputs[0]

    def input(self, position: int) -> Tensor:
        """The tensor at a position that must be there."""
        tensor = self.inputs[position]
        if tensor is None:
            raise IndexError(f"operator {self.kind} has no input {position}")
        return tensor

    def activation(self) -> int:
        """The activation fused into it; 0 is none."""
        return int(getattr(self.options, "fusedActivationFunction", 0))


@dataclass(slots=True, eq=False)
class Graph:
    """One signature's graph. Keys of `inputs` and `outputs` are `image`, `logits` and the names of the states.

    `operators` are in an order in which they can run. Change the wiring through the methods below: they keep the index
    of producers and consumers true.
    """

    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    operators: list[Operator]
    _producers: dict[Tensor, Operator] | None = field(default=None, init=False)
    _consumers: dict[Tensor, list[Operator]] = field(default_factory=dict, init=False)

    def producer(self, tensor: Tensor) -> Operator | None:
        """The operator that makes it; None for an input or a constant."""
        return self._index().get(tensor)

    def consumers(self, tensor: Tensor) -> Sequence[Operator]:
        """The operators that read it."""
        self._index()
        return self._consumers.get(tensor, ())

    def only_consumer(self, tensor: Tensor) -> Operator | None:
        """The operator that alone reads it; None when others do too, or the tensor is an output of the graph."""
        readers = self.consumers(tensor)
        return readers[0] if len(readers) == 1 and not self.is_output(tensor) else None

    def is_input(self, tensor: Tensor) -> bool:
        """True when the host gives it."""
        return any(tensor is other for other in self.inputs.values())

    def is_output(self, tensor: Tensor) -> bool:
        """True when the host gets it."""
        return any(tensor is other for other in self.outputs.values())

    def of_kind(self, *kinds: Kind) -> list[Operator]:
        """The operators of these kinds as they are now; safe to change the graph while going through it."""
        return [operator for operator in self.operators if operator.kind in kinds]

    def tensors(self) -> list[Tensor]:
        """Every tensor that anything refers to, once."""
        found = dict.fromkeys(self.inputs.values())
        for operator in self.operators:
            found |= dict.fromkeys(t for t in operator.inputs if t is not None)
            found |= dict.fromkeys(operator.outputs)
        return list(found | dict.fromkeys(self.outputs.values()))

    def rewire(self, operator: Operator, position: int, tensor: Tensor) -> None:
        """Let the operator read another tensor."""
        operator.inputs[position] = tensor
        self._producers = None

    def replace(self, old: Tensor, new: Tensor) -> None:
        """Let everything that reads `old`, the host included, read `new`."""
        for operator in self.consumers(old):
            operator.inputs = [new if tensor is old else tensor for tensor in operator.inputs]
        self.outputs = {key: new if tensor is old else tensor for key, tensor in self.outputs.items()}
        self._producers = None

    def remove(self, operators: Iterable[Operator]) -> None:
        """Take operators out; nothing may need their results any more."""
        gone = {id(operator) for operator in operators}
        self.operators = [operator for operator in self.operators if id(operator) not in gone]
        self._producers = None

    def insert_before(self, place: Operator, *operators: Operator) -> None:
        """Put operators in front of another."""
        index = next(i for i, operator in enumerate(self.operators) if operator is place)
        self.operators[index:index] = operators
        self._producers = None

    def remove_unused(self) -> int:
        """Take out every operator whose results nobody reads; returns how many."""
        wanted = set(self.outputs.values())
        kept: list[Operator] = []
        for operator in reversed(self.operators):
            if wanted.isdisjoint(operator.outputs):
                continue
            kept.append(operator)
            wanted.update(tensor for tensor in operator.inputs if tensor is not None)
        removed = len(self.operators) - len(kept)
        self.operators = kept[::-1]
        self._producers = None
        return removed

    def _index(self) -> dict[Tensor, Operator]:
        if self._producers is None:
            self._producers, self._consumers = {}, {}
            for operator in self.operators:
                self._producers |= dict.fromkeys(operator.outputs, operator)
                for tensor in dict.fromkeys(operator.inputs):
                    if tensor is not None:
                        self._consumers.setdefault(tensor, []).append(operator)
        return self._producers
