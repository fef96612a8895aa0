"""Builds tiny streaming models with the interface of MoViNet-Stream exports, for tests without the real files.

A toy looks at nothing but the mean colour of an image, so it is built in milliseconds and `ToyReference` can say in a
few lines of NumPy what its logits must be. What an engine can get wrong is as in the real files: names, orders and
shapes of the states, pools that sum for ever, buffers of past frames.

    colour ─┬─ per layer: pool (sum, count) ── mean ──────────┐
            ├─ layers with a past: stream buffer ── map means ├─ mix ── head pool ── mean ── classify ── logits
            └─────────────────────────────────────────────────┘
"""

import io
import zipfile
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
Operator = schema.BuiltinOperator

BRIGHT = 0.9
"""An image with this mean or more gives NaN from a model with `nan_logits`."""

COLOURS = 3


@dataclass(frozen=True, slots=True)
class Block:
    """Layers with square maps of one size. A temporal kernel of k frames keeps k - 1, so a kernel of 1 keeps none."""

    side_px: int
    kernels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer's part of the state names, and the stream buffer it has (none when `past_frames` is 0)."""

    name: str
    side_px: int
    past_frames: int


@dataclass(frozen=True, slots=True)
class ToySpec:
    """What to build. Every layer has a pool of `channels`; those that look back have a stream buffer too.

    `spread` scales the logits: the more, the clearer the first place after a softmax. `labels_metadata` packs these
    lines as `labels.txt` behind the model. With `passthrough_pools` the layers' pools go in and come out as the same
    tensor and only the head pool is used, as in the official int8 file. The other flags make files that an engine must
    refuse, or logits that it must survive.
    """

    size_px: int = 172
    classes: int = 600
    head: int = 480
    channels: int = 4
    blocks: tuple[Block, ...] = (Block(5, (1,)), Block(4, (3, 3)), Block(3, (5, 1)))
    signature: str = "serving_default"
    tensor_prefix: str = "serving_default_"
    seed: int = 0
    spread: float = 4.0
    labels_metadata: tuple[str, ...] | None = None
    passthrough_pools: bool = False
    unpaired_state: bool = False
    flex_op: bool = False
    no_signature: bool = False
    wrong_image_rank: bool = False
    nan_logits: bool = False

    @property
    def layers(self) -> list[Layer]:
        """All layers from the image to the head."""
        return [
            Layer(f"block{b}_layer{i}", block.side_px, kernel - 1)
            for b, block in enumerate(self.blocks)
            for i, kernel in enumerate(block.kernels)
        ]

    @property
    def image_shape(self) -> tuple[int, ...]:
        """`[batch, frames, height, width, colours]`, or without frames when the rank is to be wrong."""
        shape = (1, self.size_px, self.size_px, COLOURS)
        return shape if self.wrong_image_rank else (1, *shape)


# The states of the real models, with fewer channels.
# Source: BLOCK_SPECS in tensorflow/models, official/projects/movinet/modeling/movinet.py.
_A0 = (43, (1,)), (22, (3, 3, 3)), (11, (5, 3, 3)), (11, (5, 3, 3, 3)), (6, (5, 1, 1, 1))
_LATE = (5, 3, 3, 3, 3), (5, 3, 3, 3, 1, 3), (5, 1, 1, 1, 1, 3, 1)
_A1 = (43, (1, 3)), (22, (3,) * 4), *zip((11, 11, 6), _LATE, strict=True)
_A2 = (56, (1, 3, 3)), (28, (3,) * 5), *zip((14, 14, 7), _LATE, strict=True)
A0 = ToySpec(blocks=tuple(Block(*block) for block in _A0))
A1 = ToySpec(head=600, blocks=tuple(Block(*block) for block in _A1))
A2 = ToySpec(size_px=224, head=640, blocks=tuple(Block(*block) for block in _A2))


@dataclass(frozen=True, slots=True)
class _Weights:
    """What the model and its reference share: float32, `[outputs, inputs]`; a pattern is `[height * width, 1]`."""

    pool: dict[str, FloatArray]
    stream: dict[str, FloatArray]
    pattern: dict[str, FloatArray]
    mix: FloatArray
    classify: FloatArray

    @classmethod
    def of(cls, spec: ToySpec) -> "_Weights":
        rng = np.random.default_rng(spec.seed)

        def normal(outputs: int, inputs: int, scale: float = 1.0) -> FloatArray:
            return rng.standard_normal((outputs, inputs), np.float32) * np.float32(scale / np.sqrt(inputs))

        pools = [] if spec.passthrough_pools else spec.layers
        streams = [layer for layer in spec.layers if layer.past_frames]
        features = COLOURS + spec.channels * (len(pools) + sum(layer.past_frames + 1 for layer in streams))
        return cls(
            pool={layer.name: normal(spec.channels, COLOURS) for layer in pools},
            stream={layer.name: normal(spec.channels, COLOURS) for layer in streams},
            pattern={layer.name: rng.uniform(0.5, 1.5, (layer.side_px**2, 1)).astype(np.float32) for layer in streams},
            mix=normal(spec.head, features),
            classify=normal(spec.classes, spec.head, spec.spread),
        )


class ToyReference:
    """The logits that a toy model must give, in plain NumPy and float64, frame by frame from a fresh state.

    `window` averages the pools over exactly that many last frames; None over all, as the model alone does.
    """

    def __init__(self, spec: ToySpec, window: int | None = None) -> None:
        self.embedding: FloatArray = np.zeros(spec.head)
        """Mean of the head pool after the last step: float64 `[head]`."""
        self._spec = spec
        self._weights = _Weights.of(spec)
        self._pools = {name: deque[FloatArray](maxlen=window) for name in (*self._weights.pool, "head")}
        self._clips = {
            layer.name: deque([np.zeros(spec.channels)] * (layer.past_frames + 1), maxlen=layer.past_frames + 1)
            for layer in spec.layers
        }

    def step(self, image: FloatArray) -> FloatArray:
        """Logits, float64 `[classes]`, after one more image `[height, width, 3]` with values 0 to 1."""
        weights = self._weights
        colour = image.mean(axis=(0, 1), dtype=np.float64)
        features = [colour]
        for name in (layer.name for layer in self._spec.layers):
            if name in weights.pool:
                features.append(self._pooled(name, weights.pool[name] @ colour))
            if name in weights.stream:
                self._clips[name].append(weights.pattern[name].mean(dtype=np.float64) * (weights.stream[name] @ colour))
                features.extend(self._clips[name])
        self.embedding = self._pooled("head", weights.mix @ np.concatenate(features))
        logits = weights.classify @ self.embedding
        return logits * np.nan if self._spec.nan_logits and colour.mean() >= BRIGHT else logits

    def run(self, images: Iterable[FloatArray]) -> FloatArray:
        """Logits of one image after the other: float64 `[images, classes]`."""
        return np.stack([self.step(image) for image in images])

    def _pooled(self, name: str, contribution: FloatArray) -> FloatArray:
        self._pools[name].append(contribution)
        mean: FloatArray = np.mean(self._pools[name], axis=0)
        return mean


_TENSOR_TYPES = {"float32": schema.TensorType.FLOAT32, "int32": schema.TensorType.INT32, "bool": schema.TensorType.BOOL}
_OPTIONS = {
    Operator.ADD: schema.AddOptionsT,
    Operator.CAST: schema.CastOptionsT,
    Operator.CONCATENATION: schema.ConcatenationOptionsT,
    Operator.DIV: schema.DivOptionsT,
    Operator.FULLY_CONNECTED: schema.FullyConnectedOptionsT,
    Operator.LESS: schema.LessOptionsT,
    Operator.MEAN: schema.ReducerOptionsT,
    Operator.MUL: schema.MulOptionsT,
    Operator.SLICE: schema.SliceOptionsT,
}


@dataclass(slots=True)
class _Graph:
    """Collects tensors and operators. A tensor is known by its index, inputs and outputs by their signature names."""

    tensors: list[Any] = field(default_factory=list)
    # The format wants the first buffer empty; it stands for everything computed.
    buffers: list[Any] = field(default_factory=lambda: [schema.BufferT()])
    codes: list[int] = field(default_factory=list)
    operators: list[Any] = field(default_factory=list)
    inputs: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, int] = field(default_factory=dict)

    def tensor(self, name: str, shape: Sequence[int], dtype: str = "float32", buffer: int = 0) -> int:
        self.tensors.append(schema.TensorT(name=name, shape=list(shape), type=_TENSOR_TYPES[dtype], buffer=buffer))
        return len(self.tensors) - 1

    def input(self, name: str, shape: Sequence[int], dtype: str = "float32") -> int:
        self.inputs[name] = self.tensor(name, shape, dtype)
        return self.inputs[name]

    def constant(self, values: FloatArray | Sequence[int]) -> int:
        array = np.asarray(values, np.float32 if isinstance(values, np.ndarray) else np.int32)
        self.buffers.append(schema.BufferT(data=array.reshape(-1).view(np.uint8)))
        return self.tensor(f"constant_{len(self.tensors)}", array.shape, array.dtype.name, len(self.buffers) - 1)

    def add(self, operator: int, inputs: Sequence[int], shape: Sequence[int], dtype: str = "float32", **o: Any) -> int:
        """Append an operator with the options `o`; returns its one output."""
        if operator not in self.codes:
            self.codes.append(operator)
        added = schema.OperatorT(opcodeIndex=self.codes.index(operator), inputs=list(inputs))
        if operator in _OPTIONS:
            added.builtinOptions = _OPTIONS[operator](**o)
            name = type(added.builtinOptions).__name__.removesuffix("T")
            added.builtinOptionsType = getattr(schema.BuiltinOptions, name)
        added.outputs = [self.tensor(f"computed_{len(self.tensors)}", shape, dtype)]
        self.operators.append(added)
        return len(self.tensors) - 1

    def reshape(self, tensor: int, *shape: int) -> int:
        return self.add(Operator.RESHAPE, [tensor, self.constant(shape)], shape)

    def mean(self, tensor: int, axis: int) -> int:
        shape = [int(n) for i, n in enumerate(self.tensors[tensor].shape) if i != axis]
        return self.add(Operator.MEAN, [tensor, self.constant([axis])], shape)

    def to_float(self, tensor: int) -> int:
        before, after = self.tensors[tensor].type, _TENSOR_TYPES["float32"]
        return self.add(Operator.CAST, [tensor], (1,), inDataType=before, outDataType=after)

    def product(self, tensor: int, weights: FloatArray) -> int:
        no_bias = -1
        return self.add(Operator.FULLY_CONNECTED, [tensor, self.constant(weights), no_bias], (1, len(weights)))


def build(spec: ToySpec) -> bytes:
    """The model as the bytes of a `.tflite` file."""
    graph, weights = _Graph(), _Weights.of(spec)
    colour = graph.input("image", spec.image_shape)
    # Row by row: one float32 sum over all pixels would be too rough for tests to compare with.
    colour = graph.mean(graph.mean(colour, len(spec.image_shape) - 2), len(spec.image_shape) - 3)
    colour = graph.reshape(colour, 1, COLOURS)
    features = [colour]
    for layer in spec.layers:
        if layer.name in weights.pool:
            features.append(_pool(graph, layer.name, graph.product(colour, weights.pool[layer.name]), spec.channels))
        else:
            graph.outputs |= _pool_inputs(graph, layer.name, spec.channels)
        if layer.name in weights.stream:
            factors = graph.constant(weights.pattern[layer.name]), graph.product(colour, weights.stream[layer.name])
            frame = graph.add(Operator.MUL, factors, (layer.side_px**2, spec.channels))
            features.append(_stream(graph, layer, frame, spec.channels))
    mixed = graph.add(Operator.CONCATENATION, features, (1, weights.mix.shape[1]), axis=1)
    head = _pool(graph, "head", graph.product(mixed, weights.mix), spec.head)
    logits = graph.product(head, weights.classify)
    if spec.nan_logits:
        logits = _nan_when_bright(graph, colour, logits, spec.classes)
    if spec.flex_op:
        logits = graph.add(Operator.CUSTOM, [logits], (1, spec.classes))
    graph.outputs["logits"] = logits
    if spec.unpaired_state:
        del graph.outputs["state_head_pool_frame_count"]
    packed = _packed(graph, spec)
    return packed if spec.labels_metadata is None else _with_labels(packed, spec.labels_metadata)


def write(spec: ToySpec, path: Path) -> Path:
    """Build into a file; returns its path."""
    path.write_bytes(build(spec))
    return path


def _pool_inputs(graph: _Graph, name: str, channels: int) -> dict[str, int]:
    total, count = f"state_{name}_pool_buffer", f"state_{name}_pool_frame_count"
    return {total: graph.input(total, (1, 1, 1, 1, channels)), count: graph.input(count, (1,), "int32")}


def _pool(graph: _Graph, name: str, contribution: int, channels: int) -> int:
    """Mean of all contributions since the start: `[1, channels]`."""
    (total_name, total), (count_name, count) = _pool_inputs(graph, name, channels).items()
    contribution = graph.reshape(contribution, 1, 1, 1, 1, channels)
    total = graph.add(Operator.ADD, [total, contribution], (1, 1, 1, 1, channels))
    count = graph.add(Operator.ADD, [count, graph.constant([1])], (1,), "int32")
    graph.outputs |= {total_name: total, count_name: count}
    return graph.add(Operator.DIV, [graph.reshape(total, 1, channels), graph.to_float(count)], (1, channels))


def _stream(graph: _Graph, layer: Layer, frame: int, channels: int) -> int:
    """Map means of the past frames, oldest first, and of `frame`: `[1, (past + 1) * channels]`."""
    past, side = layer.past_frames, layer.side_px
    name, shape = f"state_{layer.name}_stream_buffer", (1, past, side, side, channels)
    newest = graph.reshape(frame, 1, 1, side, side, channels)
    both = [graph.input(name, shape), newest]
    clip = graph.add(Operator.CONCATENATION, both, (1, past + 1, side, side, channels), axis=1)
    after_oldest = graph.constant([0, 1, 0, 0, 0])
    graph.outputs[name] = graph.add(Operator.SLICE, [clip, after_oldest, graph.constant(shape)], shape)
    means = graph.mean(graph.reshape(clip, past + 1, side * side, channels), 1)
    return graph.reshape(means, 1, (past + 1) * channels)


def _nan_when_bright(graph: _Graph, colour: int, logits: int, classes: int) -> int:
    """Multiply by 1/1, or by 0/0 when the image is bright."""
    limit = graph.constant(np.array([BRIGHT]))
    dark = graph.to_float(graph.add(Operator.LESS, [graph.mean(colour, 1), limit], (1,), "bool"))
    return graph.add(Operator.MUL, [logits, graph.add(Operator.DIV, [dark, dark], (1,))], (1, classes))


def _operator_code(operator: int) -> Any:
    custom = "FlexSoftplus" if operator == Operator.CUSTOM else None
    # The old field is the one that every reader knows; all operators used here fit into its one byte.
    return schema.OperatorCodeT(builtinCode=operator, deprecatedBuiltinCode=operator, customCode=custom)


def _packed(graph: _Graph, spec: ToySpec) -> bytes:
    """The flatbuffer. As in real exports, every list of inputs and outputs has an order of its own."""
    for i, tensor in enumerate(graph.outputs.values()):
        graph.tensors[tensor].name = f"StatefulPartitionedCall:{i}"
    for name, tensor in graph.inputs.items():
        graph.tensors[tensor].name = f"{spec.tensor_prefix}{name}:0"
    rng = np.random.default_rng(spec.seed)

    def shuffled(tensors: dict[str, int]) -> list[int]:
        return [int(tensor) for tensor in rng.permutation(list(tensors.values()))]

    def shuffled_map(tensors: dict[str, int]) -> list[Any]:
        names = [str(name) for name in rng.permutation(list(tensors))]
        return [schema.TensorMapT(name=name, tensorIndex=tensors[name]) for name in names]

    inputs, outputs = shuffled_map(graph.inputs), shuffled_map(graph.outputs)
    signature = schema.SignatureDefT(signatureKey=spec.signature, inputs=inputs, outputs=outputs)
    subgraph = schema.SubGraphT(tensors=graph.tensors, operators=graph.operators, name="main")
    subgraph.inputs, subgraph.outputs = shuffled(graph.inputs), shuffled(graph.outputs)
    model = schema.ModelT(version=3, description="toy", subgraphs=[subgraph], buffers=graph.buffers)
    model.operatorCodes = [_operator_code(operator) for operator in graph.codes]
    model.signatureDefs = [] if spec.no_signature else [signature]
    builder = flatbuffers.Builder(1 << 22)  # room for all of it: growing copies
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _with_labels(model: bytes, labels: Sequence[str]) -> bytes:
    """Append a zip, as TFLite's metadata tools do; its directory is found from the end of the file."""
    file = io.BytesIO(model)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("labels.txt", "".join(f"{label}\n" for label in labels))
    return file.getvalue()
