"""A small fully quantised graph for tests of the rewriting, as converters write them for files without gates.

image ─ quantise ─ conv ─ average ─ project ─ × ReZero ─ past frames ─ temporal conv ─ mean ─ pool ─ logits
"""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from small_graphs import CHANNELS, CLASSES, PAST, SIDE_PX, VALID, Parts

from movinet_edge.engine.rewrite.graph import Graph, Kind, Quantization, Tensor

RELU = 1


def steps(scale: float, zero_point: int) -> Quantization:
    """One scale for a whole tensor."""
    return Quantization(np.array([scale], np.float32), np.array([zero_point], np.int64))


IMAGE, MAP, PROJECTED, SCALED, TIME, MEAN, SUM, LOGITS = (
    steps(1 / 255, -128),
    steps(0.012, -128),
    steps(0.02, 4),
    steps(0.01, -6),
    steps(0.02, -3),
    steps(0.004, 2),
    steps(0.02, -20),
    steps(0.005, 1),
)


class Int8Parts(Parts):
    """Operators on int8 values; weights are drawn as floats and stored with one scale per output."""

    def int8(self, kind: Kind, inputs: list[Tensor], shape: tuple[int, ...], options: Any, q: Quantization) -> Tensor:
        """One operator with an int8 result."""
        result = self.add(kind, inputs, shape, options, dtype=np.int8, quantization=q)
        self.graph.operators[-1].version = 2 if kind not in {Kind.QUANTIZE, Kind.RESHAPE} else 1
        return result

    def kernel(self, x: Tensor, values: Any, axis: int) -> list[Tensor]:
        """Int8 weights, and an int32 bias in their steps times those of `x`."""
        others = tuple(i for i in range(values.ndim) if i != axis)
        scale = np.abs(values).max(axis=others, keepdims=True) / 127
        weights = np.rint(values / scale).astype(np.int8)
        scale = scale.reshape(-1)
        assert x.quantization is not None
        bias_scale = scale * x.quantization.scale[0]
        bias = np.rint(self.rng.standard_normal(scale.size) / 8 / bias_scale).astype(np.int32)
        return [
            Tensor.constant("weights", weights, Quantization.symmetric(scale, axis)),
            Tensor.constant("bias", bias, Quantization.symmetric(bias_scale)),
        ]

    def quantise(self, x: Tensor, q: Quantization) -> Tensor:
        """QUANTIZE."""
        return self.int8(Kind.QUANTIZE, [x], x.shape, schema.QuantizeOptionsT(), q)

    def real(self, x: Tensor) -> Tensor:
        """DEQUANTIZE."""
        result = self.add(Kind.DEQUANTIZE, [x], x.shape, schema.DequantizeOptionsT())
        self.graph.operators[-1].version = 2
        return result

    def view(self, x: Tensor, *shape: int) -> Tensor:
        """RESHAPE, which keeps the steps."""
        assert x.quantization is not None
        return self.int8(Kind.RESHAPE, [x, self.constant(shape, np.int32)], shape, None, x.quantization)

    def int8_conv(
        self, x: Tensor, outputs: int, q: Quantization, *, kernel: int = 1, stride: int = 1, fused: int = 0
    ) -> Tensor:
        """CONV_2D."""
        values = self.rng.standard_normal((outputs, kernel, kernel, x.shape[-1])) / np.sqrt(kernel**2 * x.shape[-1])
        options = schema.Conv2DOptionsT(strideH=stride, strideW=stride, fusedActivationFunction=fused)
        shape = (1, -(-x.shape[1] // stride), -(-x.shape[2] // stride), outputs)
        result = self.int8(Kind.CONV_2D, [x, *self.kernel(x, values, 0)], shape, options, q)
        self.graph.operators[-1].version = 3
        return result


def small_int8(*, hard_swish: bool = False, factor: float = 0.6, seed: int = 0) -> Graph:
    """The graph of the picture above. With a hard swish XNNPACK would leave it, so it counts as one with gates."""
    parts, side = Int8Parts(seed=seed), SIDE_PX // 2
    image = parts.quantise(parts.input("image", (1, 1, SIDE_PX, SIDE_PX, 3)), IMAGE)
    stem = parts.int8_conv(parts.view(image, 1, SIDE_PX, SIDE_PX, 3), CHANNELS, MAP, kernel=3, stride=2, fused=RELU)
    if hard_swish:
        stem = parts.int8(Kind.HARD_SWISH, [stem], stem.shape, None, MAP)
        parts.graph.operators[-1].version = 1
    window = schema.Pool2DOptionsT(strideH=1, strideW=1, filterHeight=3, filterWidth=3)
    stem = parts.int8(Kind.AVERAGE_POOL_2D, [stem], stem.shape, window, MAP)
    branch = parts.view(parts.int8_conv(stem, CHANNELS, PROJECTED), 1, 1, side, side, CHANNELS)
    values = np.rint(np.linspace(-1, 1, CHANNELS) * factor * 127).astype(np.int8)
    constant = Tensor.constant("rezero", np.broadcast_to(values, branch.shape).copy(), steps(1 / 127, 0))
    newest = parts.int8(Kind.MUL, [branch, constant], branch.shape, schema.MulOptionsT(), SCALED)
    past = parts.quantise(parts.input(PAST, (1, 2, side, side, CHANNELS)), SCALED)
    joined = (1, 3, side, side, CHANNELS)
    clip = parts.int8(Kind.CONCATENATION, [past, newest], joined, schema.ConcatenationOptionsT(axis=1), SCALED)
    cut = parts.newest(clip, drop=1)
    cut.dtype, cut.quantization = np.dtype(np.int8), SCALED
    parts.graph.operators[-1].version = 2
    parts.graph.outputs[PAST] = parts.real(cut)
    options = schema.DepthwiseConv2DOptionsT(padding=VALID, strideH=1, strideW=1, depthMultiplier=1)
    view = parts.view(clip, 1, 3, side * side, CHANNELS)
    kernel = parts.kernel(view, parts.rng.standard_normal((1, 3, 1, CHANNELS)) / 2, 3)
    time = parts.int8(Kind.DEPTHWISE_CONV_2D, [view, *kernel], (1, 1, side * side, CHANNELS), options, TIME)
    parts.graph.operators[-1].version = 3
    axes, keep = parts.constant([2, 3], np.int32), schema.ReducerOptionsT(keepDims=True)
    time = parts.view(time, 1, 1, side, side, CHANNELS)
    mean = parts.int8(Kind.MEAN, [time, axes], (1, 1, 1, 1, CHANNELS), keep, MEAN)
    pooled = parts.quantise(_pool(parts, mean), MEAN)
    logits = parts.int8_conv(parts.view(pooled, 1, 1, 1, CHANNELS), CLASSES, LOGITS)
    parts.graph.outputs["logits"] = parts.real(parts.view(logits, 1, CLASSES))
    return parts.graph


def _pool(parts: Int8Parts, mean: Tensor) -> Tensor:
    state = parts.input("state_head_pool_buffer", mean.shape)
    total = parts.int8(Kind.ADD, [mean, parts.quantise(state, SUM)], mean.shape, schema.AddOptionsT(), SUM)
    parts.graph.outputs["state_head_pool_buffer"] = parts.real(total)
    one = parts.constant(1, np.int32)
    count = parts.plus(parts.input("state_head_pool_frame_count", (1,), np.int32), one, np.int32)
    parts.graph.outputs["state_head_pool_frame_count"] = count
    real = schema.CastOptionsT(inDataType=schema.TensorType.INT32, outDataType=schema.TensorType.FLOAT32)
    divisor = parts.add(Kind.CAST, [count], (1,), real)
    return parts.add(
        Kind.DIV, [parts.graph.outputs["state_head_pool_buffer"], divisor], mean.shape, schema.DivOptionsT()
    )
