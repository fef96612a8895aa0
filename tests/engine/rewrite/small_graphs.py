"""Small graphs for tests of the rewriting: a MoViNet with one block, as converters write it, and the parts to vary it.

image ─ conv ─┬─ expand ─ past frames ─ temporal conv ─┬──────────── gate × ─ project ─ × ReZero ─ + ─ head ─ logits
              │                                        └─ pool (sum, count) ─┘                     │
              └────────────────────────────────────────────────────────────────────────────────────┘
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from movinet_edge.engine.rewrite.graph import Graph, Kind, Operator, Quantization, Tensor
from movinet_edge.engine.rewrite.writing import write_graph

SIDE_PX, CHANNELS, WIDE, HEAD, CLASSES = 8, 8, 16, 24, 5
SAME, VALID, RELU6 = 0, 1, 3
PAST = "state_block0_layer0_stream_buffer"
POOLS = ("state_block0_layer0", "state_head")


@dataclass(frozen=True, slots=True)
class SmallSpec:
    """What to vary.

    `half` stores weights as float16 with DEQUANTIZE, `hybrid` those of the wide convolutions as int8. `swish` is said
    with LOGISTIC and MUL. `rezero_map` makes ReZero's constant differ from pixel to pixel.
    """

    kernel: int = 3
    broadcast: bool = True
    half: bool = False
    hybrid: bool = False
    swish: bool = False
    rezero_map: bool = False
    seed: int = 0


class Parts:
    """Adds operators to a graph, each with the options that exporters write."""

    def __init__(self, *, half: bool = False, seed: int = 0) -> None:
        self.graph = Graph({}, {}, [])
        self.rng = np.random.default_rng(seed)
        self.half = half

    def input(self, key: str, shape: Sequence[int], dtype: Any = np.float32) -> Tensor:
        """A tensor that the host gives."""
        self.graph.inputs[key] = Tensor(key, tuple(shape), np.dtype(dtype))
        return self.graph.inputs[key]

    def add(
        self, kind: Kind, inputs: Iterable[Tensor], shape: Sequence[int], options: Any = None, **tensor: Any
    ) -> Tensor:
        """One operator; returns its output, float32 unless `dtype` is given."""
        dtype = np.dtype(tensor.pop("dtype", np.float32))
        output = Tensor(f"{kind.name}_{len(self.graph.operators)}", tuple(shape), dtype, **tensor)
        version = 2 if kind == Kind.BROADCAST_TO else 1  # there is no first one
        self.graph.operators.append(Operator(kind, list(inputs), [output], options, version))
        return output

    def constant(self, value: Any, dtype: Any = np.float32) -> Tensor:
        """A value written out."""
        return Tensor.constant("constant", np.asarray(value, dtype))

    def weights(self, *shape: int) -> Tensor:
        """Random weights, one output per index of the first dimension."""
        values = self.rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
        return self.stored(values.astype(np.float32))

    def stored(self, values: NDArray[np.float32]) -> Tensor:
        """As float32, or as float16 behind a DEQUANTIZE."""
        if not self.half:
            return self.constant(values)
        options = schema.DequantizeOptionsT()
        return self.add(Kind.DEQUANTIZE, [self.constant(values, np.float16)], values.shape, options)

    def conv(self, x: Tensor, outputs: int, *, kernel: int = 1, stride: int = 1, activation: int = 0) -> Tensor:
        """CONV_2D with padding SAME."""
        options = schema.Conv2DOptionsT(strideH=stride, strideW=stride, fusedActivationFunction=activation)
        bias = self.stored(self.rng.standard_normal(outputs).astype(np.float32) / 4)
        _, height, width, channels = x.shape
        shape = (1, -(-height // stride), -(-width // stride), outputs)
        return self.add(Kind.CONV_2D, [x, self.weights(outputs, kernel, kernel, channels), bias], shape, options)

    def depthwise(self, x: Tensor, rows: int, columns: int, *, padding: int) -> Tensor:
        """DEPTHWISE_CONV_2D of stride 1."""
        options = schema.DepthwiseConv2DOptionsT(padding=padding, strideH=1, strideW=1, depthMultiplier=1)
        _, height, width, channels = x.shape
        kernel = self.stored(self.rng.standard_normal((1, rows, columns, channels)).astype(np.float32) / 2)
        bias = self.stored(self.rng.standard_normal(channels).astype(np.float32) / 4)
        if padding == VALID:
            height, width = height - rows + 1, width - columns + 1
        return self.add(Kind.DEPTHWISE_CONV_2D, [x, kernel, bias], (1, height, width, channels), options)

    def reshape(self, x: Tensor, *shape: int) -> Tensor:
        """RESHAPE."""
        return self.add(Kind.RESHAPE, [x, self.constant(shape, np.int32)], shape, dtype=x.dtype)

    def multiply(self, x: Tensor, y: Tensor) -> Tensor:
        """MUL; the result has the shape of what is larger."""
        return self.add(Kind.MUL, [x, y], np.broadcast_shapes(x.shape, y.shape), schema.MulOptionsT())

    def plus(self, x: Tensor, y: Tensor, dtype: Any = np.float32) -> Tensor:
        """ADD."""
        return self.add(Kind.ADD, [x, y], x.shape, schema.AddOptionsT(), dtype=dtype)

    def mean(self, x: Tensor) -> Tensor:
        """MEAN over height and width of `[1, 1, H, W, C]`."""
        axes = self.constant([2, 3], np.int32)
        return self.add(Kind.MEAN, [x, axes], (1, 1, 1, 1, x.shape[-1]), schema.ReducerOptionsT(keepDims=True))

    def join(self, tensors: Sequence[Tensor], axis: int) -> Tensor:
        """CONCATENATION."""
        shape = list(tensors[0].shape)
        shape[axis] = sum(tensor.shape[axis] for tensor in tensors)
        return self.add(Kind.CONCATENATION, tensors, shape, schema.ConcatenationOptionsT(axis=axis))

    def newest(self, x: Tensor, *, drop: int) -> Tensor:
        """STRIDED_SLICE of `[1, T, …]` without the first `drop` frames, with the masks that exporters use."""
        begin, end, step = ([0, drop, 0, 0, 0], [0, x.shape[1], 0, 0, 0], [1] * 5)
        options = schema.StridedSliceOptionsT(beginMask=0b11101, endMask=0b11111)
        inputs = [x, *(self.constant(value, np.int32) for value in (begin, end, step))]
        return self.add(Kind.STRIDED_SLICE, inputs, (1, x.shape[1] - drop, *x.shape[2:]), options)

    def pool(self, name: str, contribution: Tensor) -> Tensor:
        """A streaming pool: mean of all contributions since the start."""
        total = self.plus(contribution, self.input(f"{name}_pool_buffer", contribution.shape))
        self.graph.outputs[f"{name}_pool_buffer"] = self.newest(total, drop=0)
        one = self.constant(1, np.int32)
        count = self.plus(self.input(f"{name}_pool_frame_count", (1,), np.int32), one, np.int32)
        self.graph.outputs[f"{name}_pool_frame_count"] = count
        real = schema.CastOptionsT(inDataType=schema.TensorType.INT32, outDataType=schema.TensorType.FLOAT32)
        divisor = self.add(Kind.CAST, [self.reshape(count, 1, 1, 1, 1, 1)], (1, 1, 1, 1, 1), real)
        return self.add(Kind.DIV, [total, divisor], total.shape, schema.DivOptionsT())

    def activate(self, x: Tensor, *, swish: bool) -> Tensor:
        """Hard swish, or swish as converters say it."""
        if not swish:
            return self.add(Kind.HARD_SWISH, [x], x.shape)
        return self.multiply(x, self.add(Kind.LOGISTIC, [x], x.shape))


def small_movinet(spec: SmallSpec = SmallSpec()) -> Graph:
    """The graph of the picture above, all states whole and of rank 5."""
    parts, side = Parts(half=spec.half, seed=spec.seed), SIDE_PX // 2
    map_shape = (1, 1, side, side, WIDE)
    image = parts.input("image", (1, 1, SIDE_PX, SIDE_PX, 3))
    stem = parts.conv(parts.reshape(image, 1, SIDE_PX, SIDE_PX, 3), CHANNELS, kernel=3, stride=2)
    stem = parts.activate(stem, swish=spec.swish)
    wide = parts.reshape(parts.activate(parts.conv(stem, WIDE), swish=spec.swish), *map_shape)
    clip = parts.join([parts.input(PAST, (1, spec.kernel - 1, side, side, WIDE)), wide], 1)
    parts.graph.outputs[PAST] = parts.newest(clip, drop=1)
    time = parts.depthwise(parts.reshape(clip, 1, spec.kernel, side * side, WIDE), spec.kernel, 1, padding=VALID)
    time = parts.reshape(parts.activate(time, swish=spec.swish), *map_shape)
    mean = parts.mean(time)
    seen = parts.reshape(parts.join([parts.pool(POOLS[0], mean), mean], -1), 1, 1, 1, 2 * WIDE)
    gate = parts.conv(parts.activate(parts.conv(seen, CHANNELS), swish=spec.swish), WIDE, activation=RELU6)
    gate = parts.reshape(parts.multiply(gate, parts.constant(1 / 6)), 1, 1, 1, 1, WIDE)
    if spec.broadcast:
        gate = parts.add(Kind.BROADCAST_TO, [gate, parts.constant(map_shape, np.int64)], map_shape)
    branch = parts.conv(parts.reshape(parts.multiply(gate, time), 1, side, side, WIDE), CHANNELS)
    factor = np.full((1, 1, side, side, CHANNELS), 0.7) * np.linspace(-1, 1, CHANNELS)
    if spec.rezero_map:
        factor = factor * parts.rng.random((1, 1, side, side, 1))
    branch = parts.multiply(parts.reshape(branch, 1, 1, side, side, CHANNELS), parts.constant(factor))
    whole = parts.plus(branch, parts.reshape(stem, 1, 1, side, side, CHANNELS))
    head = parts.activate(parts.conv(parts.reshape(whole, 1, side, side, CHANNELS), HEAD), swish=spec.swish)
    pooled = parts.pool(POOLS[1], parts.mean(parts.reshape(head, 1, 1, side, side, HEAD)))
    logits = parts.conv(parts.reshape(pooled, 1, 1, 1, HEAD), CLASSES)
    parts.graph.outputs["logits"] = parts.reshape(logits, 1, CLASSES)
    if spec.hybrid:
        _store_int8(parts.graph)
    return parts.graph


def _store_int8(graph: Graph) -> None:
    """Int8 weights, one scale per output, for depthwise convolutions and the wide ones: a dynamic-range file."""
    for operator in graph.of_kind(Kind.CONV_2D, Kind.DEPTHWISE_CONV_2D):
        weights, axis = operator.input(1), 3 if operator.kind == Kind.DEPTHWISE_CONV_2D else 0
        assert weights.data is not None
        others = tuple(i for i in range(4) if i != axis)
        scale = np.abs(weights.data).max(axis=others, keepdims=True) / 127
        quantization = Quantization.symmetric(scale.reshape(-1), axis)
        graph.rewire(operator, 1, Tensor.constant("w", np.rint(weights.data / scale).astype(np.int8), quantization))
        operator.version = 6


def pictures(count: int, side_px: int = SIDE_PX, seed: int = 0) -> list[NDArray[np.float32]]:
    """Noise: float32 `[side, side, 3]` in [0, 1]."""
    return list(np.random.default_rng(seed).random((count, side_px, side_px, 3), np.float32))


class Plain:
    """A file, or a graph whose states are whole, as the runtime's signature runner runs it."""

    def __init__(self, model: bytes | Graph) -> None:
        content = model if isinstance(model, bytes) else write_graph(model, "serving_default")
        self._interpreter = Interpreter(model_content=content, num_threads=1)
        self._runner = self._interpreter.get_signature_runner(next(iter(self._interpreter.get_signature_list())))
        details = self._runner.get_input_details()
        self._image = details.pop("image")["shape"]
        self._empty = {
            key: np.full(d["shape"], d["quantization"][1] if d["dtype"] == np.int8 else 0, d["dtype"])
            for key, d in details.items()
        }
        self.reset()

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return int(self._image[-2]), int(self._image[-3])

    def reset(self) -> None:
        """Forget all frames."""
        self.states = dict(self._empty)

    def logits(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """One frame."""
        self.states = self._runner(image=image.reshape(self._image), **self.states)
        logits: NDArray[np.float32] = self.states.pop("logits").reshape(-1)
        return logits


def run(model: Any, images: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Logits `[frames, classes]` of a stream from its start."""
    model.reset()
    return np.stack([model.logits(image) for image in images])
