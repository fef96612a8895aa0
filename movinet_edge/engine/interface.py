"""What a model file takes and gives, found by signature names: image, logits and the states that are fed back."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from movinet_edge.api import ModelError

StateKind: TypeAlias = Literal["stream", "pool", "count", "other"]

# Exports name tensors `state_…`, `call_state_…:0` or `serving_default_state_…:0`; the part in the middle is the name.
_STATE = re.compile(r"(state_[A-Za-z0-9_]+?)(?::\d+)?$")
_POOL, _COUNT, _STREAM, _HEAD = "_pool_buffer", "_pool_frame_count", "_stream_buffer", "head"


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output: its name in the signature, its shape, its dtype and its own name inside the graph."""

    key: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    tensor: str

    @classmethod
    def of(cls, key: str, shape: Sequence[int], dtype: DTypeLike, tensor: str) -> "TensorSpec":
        """A spec from what a runtime reports."""
        return cls(key, tuple(int(n) for n in shape), np.dtype(dtype), tensor)


@dataclass(frozen=True, slots=True)
class StateSpec:
    """A tensor that comes out of one call and goes into the next.

    `passes_through` is true where the graph hands the input on untouched, as the official int8 files do with the
    pools that they do not use.
    """

    name: str
    source: TensorSpec
    result: TensorSpec
    kind: StateKind
    passes_through: bool


@dataclass(frozen=True, slots=True)
class PoolSpec:
    """A streaming average pool: a running sum `[1, 1, 1, 1, C]` and the number of frames in it `[1]`."""

    buffer: StateSpec
    count: StateSpec

    @property
    def channels(self) -> int:
        """C."""
        return int(np.prod(self.buffer.source.shape))

    @property
    def is_head(self) -> bool:
        """True for the last pool, whose mean is the clip's embedding."""
        return _HEAD in self.buffer.name


@dataclass(frozen=True, slots=True)
class ModelInterface:
    """A streaming MoViNet's signature.

    Attributes:
        signature: key of the signature.
        image: float32 `[1, 1, height, width, 3]`, RGB in [0, 1].
        logits: float32 `[1, classes]`.
        states: everything that is fed back.
        pools: the streaming pools that the graph really uses, head last.
    """

    signature: str
    image: TensorSpec
    logits: TensorSpec
    states: tuple[StateSpec, ...]
    pools: tuple[PoolSpec, ...]

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the image in pixels."""
        return self.image.shape[-2], self.image.shape[-3]

    @property
    def classes(self) -> int:
        """Number of labels that the model tells apart."""
        return self.logits.shape[-1]


def read_interface(
    signatures: Mapping[str, tuple[Sequence[TensorSpec], Sequence[TensorSpec]]], file: str
) -> ModelInterface:
    """Find the streaming signature among `signatures` (key → inputs, outputs).

    Raises:
        ModelError: no signature fits; the text says for each why not.
    """
    if not signatures:
        raise ModelError(
            f"{file}: the file has no signature, so its states cannot be paired by name; "
            "export it again with a signature (tf.lite.TFLiteConverter.from_saved_model keeps it)"
        )
    reasons = []
    for key in sorted(signatures, key=lambda k: k != "serving_default"):
        try:
            return _read_signature(key, *signatures[key])
        except ModelError as error:
            reasons.append(f"signature {key!r}: {error}")
    raise ModelError(f"{file} is not a streaming MoViNet: " + "; ".join(reasons))


def _read_signature(key: str, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> ModelInterface:
    sources = {_state_name(spec): spec for spec in inputs if _state_name(spec)}
    results = {_state_name(spec): spec for spec in outputs if _state_name(spec)}
    unpaired = sorted(sources.keys() ^ results.keys())
    if unpaired:
        raise ModelError(f"states without a partner on the other side: {', '.join(unpaired)}")
    if not sources:
        raise ModelError("it has no states; a model for whole clips cannot run frame by frame")
    image = _only("image input", [spec for spec in inputs if not _state_name(spec)])
    logits = _only("logits output", [spec for spec in outputs if not _state_name(spec)])
    _check_image(image)
    _check_logits(logits)
    states = tuple(_state(name, sources[name], results[name]) for name in sorted(sources))
    return ModelInterface(key, image, logits, states, _pools(states))


def _state_name(spec: TensorSpec) -> str:
    match = _STATE.search(spec.key)
    return match[1] if match else ""


def _only(what: str, specs: list[TensorSpec]) -> TensorSpec:
    if len(specs) != 1:
        names = ", ".join(spec.key for spec in specs) or "none"
        raise ModelError(f"expected one {what} beside the states, found {names}")
    return specs[0]


def _check_image(image: TensorSpec) -> None:
    fits = len(image.shape) == 5 and image.shape[:2] == (1, 1) and image.shape[-1] == 3 and min(image.shape) > 0
    if not fits:
        raise ModelError(f"input {image.key!r} is {list(image.shape)}, not one picture [1, 1, height, width, 3]")
    if image.dtype != np.float32:
        raise ModelError(f"input {image.key!r} is {image.dtype}, not float32 in [0, 1]")


def _check_logits(logits: TensorSpec) -> None:
    if len(logits.shape) != 2 or logits.shape[0] != 1 or logits.shape[1] < 2 or logits.dtype != np.float32:
        raise ModelError(f"output {logits.key!r} is {logits.dtype} {list(logits.shape)}, not float32 [1, classes]")


def _state(name: str, source: TensorSpec, result: TensorSpec) -> StateSpec:
    if source.shape != result.shape or source.dtype != result.dtype:
        raise ModelError(
            f"state {name} goes in as {source.dtype} {list(source.shape)} "
            f"and comes out as {result.dtype} {list(result.shape)}"
        )
    kind: StateKind = "other"
    for suffix, meaning in ((_POOL, "pool"), (_COUNT, "count"), (_STREAM, "stream")):
        if name.endswith(suffix):
            kind = meaning  # type: ignore[assignment]  # the tuple above holds StateKind values only
    return StateSpec(name, source, result, kind, passes_through=source.tensor == result.tensor)


def _pools(states: tuple[StateSpec, ...]) -> tuple[PoolSpec, ...]:
    counts = {state.name.removesuffix(_COUNT): state for state in states if state.kind == "count"}
    pools = []
    for state in states:
        if state.kind != "pool" or state.passes_through:
            continue
        stem = state.name.removesuffix(_POOL)
        if stem not in counts:
            raise ModelError(f"pool {state.name} has no {stem}{_COUNT}")
        pools.append(PoolSpec(state, counts[stem]))
    return tuple(sorted(pools, key=lambda pool: pool.is_head))
