"""Writes trained weights as a TFLite file that streams: one frame a call, past frames as states with official names."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from movinet_edge.argument_types import positive_int
from movinet_edge.engine.rewrite.graph import IMAGE, LOGITS, Graph, Kind, Operator, Shape, Tensor
from movinet_edge.engine.rewrite.schema import schema
from movinet_edge.engine.rewrite.shapes import check_graph
from movinet_edge.engine.rewrite.writing import write_graph
from movinet_edge.training.architecture import HEAD_WIDTH, IMAGE_SIZE_PX, LAYERS, Layer
from movinet_edge.training.folding import Folded, read_weights
from movinet_edge.training.labels import LABELS
from movinet_edge.training.quantise import quantise, read_ranges
from movinet_edge.training.usage import errors_told, model_to_write

SIGNATURE = "serving_default"
HEAD_POOL, HEAD_COUNT = "state_head_pool_buffer", "state_head_pool_frame_count"

_RELU6 = 3  # ActivationFunctionType of the schema
_SAME, _VALID = 0, 1
_FLOAT, _INT = np.dtype(np.float32), np.dtype(np.int32)


def float_graph(folded: Mapping[str, Folded], size_px: int = IMAGE_SIZE_PX) -> Graph:
    """The streaming network in float32.

    Activations carry the names of their places in the network, such as `block1_layer0.expand`; `block1_layer0` is what
    comes out of that layer.
    """
    return _Drawing(folded).streaming(size_px)


def write_model(graph: Graph) -> bytes:
    """The `.tflite` file.

    Raises:
        RewriteRefused: the graph contradicts itself.
    """
    check_graph(graph)
    return write_graph(graph, SIGNATURE)


class _Drawing:
    """A graph that grows operator by operator, each for one place in the network."""

    def __init__(self, folded: Mapping[str, Folded]) -> None:
        self._folded = folded
        self._graph = Graph({}, {}, [])

    def streaming(self, size_px: int) -> Graph:
        image = self._input(IMAGE, (1, 1, size_px, size_px, 3), _FLOAT)
        x = self._convolution(self._reshape(image, (1, size_px, size_px, 3)), "stem", stride=2)
        for layer in LAYERS:
            x = self._layer(x, layer)
        x = self._convolution(x, "head")
        pooled = self._pool_over_time(x)
        hidden = self._convolution(self._reshape(pooled, (1, 1, 1, HEAD_WIDTH), "pooled"), "hidden")
        logits = self._convolution(hidden, "classes", relu6=False)
        self._graph.outputs[LOGITS] = self._reshape(logits, (1, logits.shape[-1]))
        return self._graph

    def _layer(self, x: Tensor, layer: Layer) -> Tensor:
        name = layer.name
        y = self._convolution(x, f"{name}.expand")
        y = self._convolution(y, f"{name}.space", stride=layer.stride)
        if layer.past_frames:
            y = self._convolution_over_time(y, layer)
        y = self._convolution(y, f"{name}.project", relu6=False)
        if layer.stride > 1:
            x = self._halve(x, f"{name}.halved")
        if not layer.keeps_shape:
            x = self._convolution(x, f"{name}.shortcut", relu6=False)
        return self._add(Kind.ADD, [y, x], name, y.shape, _options("AddOptions"))

    def _convolution(self, x: Tensor, name: str, *, stride: int = 1, relu6: bool = True) -> Tensor:
        part = self._folded[name]
        options = _options(
            "DepthwiseConv2DOptions" if part.depthwise else "Conv2DOptions",
            strideH=stride, strideW=stride, dilationHFactor=1, dilationWFactor=1, padding=_SAME,
            fusedActivationFunction=_RELU6 if relu6 else 0,
        )  # fmt: skip
        if part.depthwise:
            options.depthMultiplier = 1
        height, width = (-(-length // stride) for length in x.shape[1:3])
        return self._weighted(part, [x], name, (1, height, width, part.bias.size), options)

    def _convolution_over_time(self, x: Tensor, layer: Layer) -> Tensor:
        """As in the official files: past frames and this one as one tall picture with the pixels of a frame per row."""
        name, past, (_, height, width, channels) = f"{layer.name}.time", layer.past_frames, x.shape
        state = self._input(layer.state, (1, past, height, width, channels), _FLOAT)
        newest = self._reshape(x, (1, 1, height, width, channels))
        frames = self._add(
            Kind.CONCATENATION, [state, newest], f"{name}.frames", (1, past + 1, height, width, channels),
            _options("ConcatenationOptions", axis=1),
        )  # fmt: skip
        self._graph.outputs[layer.state] = self._without_oldest(frames, f"{name}.kept")
        part = self._folded[name]
        options = _options(
            "DepthwiseConv2DOptions", strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1, padding=_VALID,
            depthMultiplier=1, fusedActivationFunction=_RELU6,
        )  # fmt: skip
        rows = self._reshape(frames, (1, past + 1, height * width, channels))
        y = self._weighted(part, [rows], name, (1, 1, height * width, channels), options)
        return self._reshape(y, (1, height, width, channels))

    def _without_oldest(self, frames: Tensor, name: str) -> Tensor:
        _, count, *rest = frames.shape
        begin, size = np.array([0, 1, 0, 0, 0], np.int32), np.array([1, count - 1, *rest], np.int32)
        constants = [Tensor.constant(f"{name}.begin", begin), Tensor.constant(f"{name}.size", size)]
        return self._add(Kind.SLICE, [frames, *constants], name, (1, count - 1, *rest), _options("SliceOptions"))

    def _pool_over_time(self, x: Tensor) -> Tensor:
        axes = Tensor.constant("head.axes", np.array([1, 2], np.int32))
        mean = self._add(
            Kind.MEAN, [x, axes], "head.mean", (1, 1, 1, HEAD_WIDTH), _options("ReducerOptions", keepDims=True)
        )
        shape = (1, 1, 1, 1, HEAD_WIDTH)
        total, count = self._input(HEAD_POOL, shape, _FLOAT), self._input(HEAD_COUNT, (1,), _INT)
        one = Tensor.constant("one", np.array(1, np.int32))
        total = self._add(Kind.ADD, [self._reshape(mean, shape), total], "head.sum", shape, _options("AddOptions"))
        count = self._add(Kind.ADD, [count, one], "head.count", (1,), _options("AddOptions"))
        self._graph.outputs |= {HEAD_POOL: total, HEAD_COUNT: count}
        divisor = self._add(Kind.CAST, [count], "head.divisor", (1,), _options("CastOptions", inDataType=2))
        return self._add(Kind.DIV, [total, divisor], "head.average", shape, _options("DivOptions"))

    def _halve(self, x: Tensor, name: str) -> Tensor:
        _, height, width, channels = x.shape
        options = _options("Pool2DOptions", strideH=2, strideW=2, filterHeight=3, filterWidth=3, padding=_SAME)
        return self._add(Kind.AVERAGE_POOL_2D, [x], name, (1, -(-height // 2), -(-width // 2), channels), options)

    def _reshape(self, x: Tensor, shape: Shape, name: str | None = None) -> Tensor:
        wanted = Tensor.constant("shape", np.array(shape, np.int32))
        return self._add(Kind.RESHAPE, [x, wanted], name or x.name, shape, None)

    def _weighted(self, part: Folded, inputs: list[Tensor], name: str, shape: Shape, options: Any) -> Tensor:
        kind = Kind.DEPTHWISE_CONV_2D if part.depthwise else Kind.CONV_2D
        constants = [Tensor.constant(f"{name}.weights", part.weights), Tensor.constant(f"{name}.bias", part.bias)]
        return self._add(kind, [*inputs, *constants], name, shape, options)

    def _input(self, name: str, shape: Shape, dtype: np.dtype[Any]) -> Tensor:
        tensor = self._graph.inputs[name] = Tensor(name, shape, dtype)
        return tensor

    def _add(self, kind: Kind, inputs: Sequence[Tensor], name: str, shape: Shape, options: Any) -> Tensor:
        dtype = inputs[0].dtype if kind != Kind.CAST else _FLOAT
        result = Tensor(name, shape, dtype)
        self._graph.operators.append(Operator(kind, list(inputs), [result], options))
        return result


def _options(table: str, **values: Any) -> Any:
    options = getattr(schema(), f"{table}T")()
    for name, value in values.items():
        if not hasattr(options, name):
            raise AttributeError(f"{table} has no field {name}")
        setattr(options, name, value)
    return options


def main() -> None:
    """Write a trained network as a model file with its labels beside it."""
    parser = argparse.ArgumentParser(
        prog="python -m movinet_edge.training.export",
        description=__doc__,
        epilog="example: python -m movinet_edge.training.export --weights runs/full/weights.npz --ranges "
        "runs/full/ranges.json --out model.tflite",
    )
    parser.add_argument("--weights", type=Path, required=True, help="weights.npz of a training run")
    parser.add_argument("--ranges", type=Path, help="ranges.json of movinet_edge.training.calibrate; none: float32")
    parser.add_argument(
        "--out", type=model_to_write, required=True, help="model file to write; its labels go beside it as .txt"
    )
    parser.add_argument(
        "--size", type=positive_int, default=IMAGE_SIZE_PX, help="side of its pictures in pixels (default: 172)"
    )
    arguments = parser.parse_args()
    with errors_told(parser):
        graph = float_graph(read_weights(arguments.weights), arguments.size)
        if arguments.ranges:
            graph = quantise(graph, read_ranges(arguments.ranges))
        arguments.out.write_bytes(write_model(graph))
        arguments.out.with_suffix(".txt").write_text("\n".join(LABELS) + "\n")


if __name__ == "__main__":
    main()
