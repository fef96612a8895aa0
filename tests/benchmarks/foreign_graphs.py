"""Hands a rewritten graph with float weights to other runtimes, as ONNX and as ncnn's own files, for `other_runtimes`.

Both formats lie in channels, height, width, and so do weights and constants here: no runtime has to turn values round.
Only what A0, A1 and A2 are made of is known; anything else is an error, so nothing is left out in silence.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from movinet_edge.engine.rewrite.constants import real_values
from movinet_edge.engine.rewrite.graph import ACTIVATIONS, BIAS, WEIGHTS, Graph, Kind, Operator, Tensor

# Which dimension of [1, C, H, W] one of [1, H, W, C] becomes.
_AXES = {0: 0, 1: 2, 2: 3, 3: 1}
_ONNX_OPSET = 17
# The schema's numbers of fused activations.
_NONE, _RELU, _RELU6 = 0, 1, 3
_ONNX_BINARY = {Kind.ADD: "Add", Kind.SUB: "Sub", Kind.MUL: "Mul", Kind.DIV: "Div"}
_NCNN_BINARY = {Kind.ADD: 0, Kind.SUB: 1, Kind.MUL: 2, Kind.DIV: 3}
_NCNN_TURNED = {Kind.ADD: 0, Kind.SUB: 7, Kind.MUL: 2, Kind.DIV: 8}
"""The same with the second operand first."""


def channels_first(values: np.ndarray) -> np.ndarray:
    """A value of the graph, as the other runtimes get it; a scalar stays one, what follows the last dimension too."""
    if values.ndim < 4:
        values = values.reshape((1,) * (4 - values.ndim) + values.shape)
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2), np.float32)


def shape_of(tensor: Tensor) -> tuple[int, ...]:
    """Its shape in channels first; the logits have two dimensions."""
    return tensor.shape if len(tensor.shape) == 2 else tuple(tensor.shape[i] for i in (0, 3, 1, 2))


def _weights(operator: Operator) -> np.ndarray:
    """[outputs, inputs of the group, height, width]"""
    weights = real_values(operator.input(WEIGHTS))
    order = (3, 0, 1, 2) if operator.kind == Kind.DEPTHWISE_CONV_2D else (0, 3, 1, 2)
    return np.ascontiguousarray(weights.transpose(order))


def _pads(operator: Operator, kernel: tuple[int, int], dilation: tuple[int, int]) -> list[int]:
    """Above, left, below, right; the schema's padding 0 is SAME."""
    options, pads = operator.options, []
    if options.padding == 0:
        for side, size, stride, apart in zip(
            operator.input(0).shape[1:3], kernel, (options.strideH, options.strideW), dilation, strict=True
        ):
            whole = max(0, (-(-side // stride) - 1) * stride + (size - 1) * apart + 1 - side)
            pads.append((whole // 2, whole - whole // 2))
    else:
        pads = [(0, 0), (0, 0)]
    return [pads[0][0], pads[1][0], pads[0][1], pads[1][1]]


def _reduced(operator: Operator) -> None:
    if set(np.asarray(operator.input(1).data).ravel().tolist()) != {1, 2}:
        raise ValueError(f"{operator.output.name}: a mean or sum over something else than height and width")


class OnnxGraph:
    """Builds an ONNX model; `content` is the file."""

    def __init__(self, graph: Graph) -> None:
        from onnx import TensorProto, helper, numpy_helper

        self._helper, self._numpy, self._float = helper, numpy_helper, TensorProto.FLOAT
        self._names: dict[Tensor, str] = {}
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        for key, tensor in graph.inputs.items():
            self._names[tensor] = key
        for operator in graph.operators:
            self._add(operator)
        # An output that another operator reads too, or that is an input, needs a name of its own.
        for key, tensor in graph.outputs.items():
            self._node("Identity", [self._names[tensor]], f"{key}:out")
        model = helper.make_model(
            helper.make_graph(
                self._nodes,
                "movinet",
                [self._info(key, tensor) for key, tensor in graph.inputs.items()],
                [self._info(f"{key}:out", tensor) for key, tensor in graph.outputs.items()],
                self._constants,
            ),
            opset_imports=[helper.make_opsetid("", _ONNX_OPSET)],
            ir_version=8,
        )
        self.content: bytes = model.SerializeToString()

    def _info(self, name: str, tensor: Tensor) -> Any:
        return self._helper.make_tensor_value_info(name, self._float, shape_of(tensor))

    def _name(self, tensor: Tensor) -> str:
        if tensor not in self._names:
            value = channels_first(real_values(tensor))
            self._names[tensor] = self._constant(value)
        return self._names[tensor]

    def _constant(self, value: np.ndarray) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(self._numpy.from_array(value, name))
        return name

    def _node(self, kind: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        output = output or f"value_{len(self._nodes)}"
        self._nodes.append(self._helper.make_node(kind, inputs, [output], **attributes))
        return output

    def _add(self, operator: Operator) -> None:
        value = self._value(operator)
        match operator.activation():
            case 1:
                value = self._node("Relu", [value])
            case 3:
                value = self._node("Clip", [value, *map(self._constant, (np.float32(0), np.float32(6)))])
            case other if other != _NONE:
                raise ValueError(f"activation {other} is not known here")
        self._names[operator.output] = value

    def _value(self, operator: Operator) -> str:  # noqa: PLR0911 (a line for each kind)
        options, first = operator.options, self._name(operator.input(0))
        match operator.kind:
            case Kind.CONV_2D | Kind.DEPTHWISE_CONV_2D:
                return self._convolution(operator)
            case Kind.ADD | Kind.SUB | Kind.MUL | Kind.DIV:
                return self._node(_ONNX_BINARY[Kind(operator.kind)], [first, self._name(operator.input(1))])
            case Kind.HARD_SWISH:
                return self._node("HardSwish", [first])
            case Kind.LOGISTIC:
                return self._node("Sigmoid", [first])
            case Kind.CONCATENATION:
                names = [self._name(tensor) for tensor in operator.inputs if tensor is not None]
                return self._node("Concat", names, axis=_AXES[options.axis % 4])
            case Kind.AVERAGE_POOL_2D:
                kernel = options.filterHeight, options.filterWidth
                strides = [options.strideH, options.strideW]
                pads = _pads(operator, kernel, (1, 1))
                return self._node("AveragePool", [first], kernel_shape=kernel, strides=strides, pads=pads)
            case Kind.MEAN:
                _reduced(operator)
                return self._node("GlobalAveragePool", [first])
            case Kind.SUM:
                _reduced(operator)
                return self._node("ReduceSum", [first, self._constant(np.array([2, 3]))], keepdims=1)
            case Kind.RESHAPE if len(operator.output.shape) == 2:
                return self._node("Flatten", [first])
            case other:
                raise ValueError(f"operator {other} is not known here")

    def _convolution(self, operator: Operator) -> str:
        weights, options = _weights(operator), operator.options
        dilation = options.dilationHFactor, options.dilationWFactor
        names = [self._name(operator.input(ACTIVATIONS)), self._constant(weights)]
        names.append(self._constant(real_values(operator.input(BIAS))))
        return self._node(
            "Conv",
            names,
            kernel_shape=weights.shape[2:],
            strides=[options.strideH, options.strideW],
            dilations=dilation,
            pads=_pads(operator, weights.shape[2:], dilation),
            group=weights.shape[0] if operator.kind == Kind.DEPTHWISE_CONV_2D else 1,
        )


class NcnnGraph:
    """Builds ncnn's text of layers and its weights: `inputs` and `outputs` map keys of the graph to names of blobs.

    A vector of channels is a blob with one dimension there, and a convolution of such a vector an inner product.
    """

    def __init__(self, graph: Graph) -> None:
        self._layers: list[tuple[str, list[str], list[str], str]] = []
        self._weights: list[bytes] = []
        self._names: dict[Tensor, str] = {}
        self.inputs = {key: f"in_{number}" for number, key in enumerate(graph.inputs)}
        for key, tensor in graph.inputs.items():
            self._names[tensor] = self._layer("Input", [], "", self.inputs[key])
        for operator in graph.operators:
            self._names[operator.output] = self._add(operator)
        self.outputs = {key: self._names[tensor] for key, tensor in graph.outputs.items()}

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Both files."""
        layers = list(self._split())
        blobs = sum(len(outputs) for _, _, outputs, _ in layers)
        lines = ["7767517", f"{len(layers)} {blobs}"]
        for number, (kind, inputs, outputs, options) in enumerate(layers):
            names = " ".join([*inputs, *outputs])
            lines.append(f"{kind} layer_{number} {len(inputs)} {len(outputs)} {names} {options}".rstrip())
        text, weights = folder / "movinet.param", folder / "movinet.bin"
        text.write_text("\n".join(lines) + "\n", encoding="utf-8")
        weights.write_bytes(b"".join(self._weights))
        return text, weights

    def _split(self) -> Iterator[tuple[str, list[str], list[str], str]]:
        """ncnn wants a layer of its own where more than one reads a blob; what the host reads too is a reader."""
        readers = Counter(name for _, inputs, _, _ in self._layers for name in inputs)
        readers.update(name for name in self.outputs.values() if readers[name])
        copies: dict[str, list[str]] = {}
        for kind, inputs, outputs, options in self._layers:
            yield kind, [copies[name].pop() if name in copies else name for name in inputs], outputs, options
            for name in outputs:
                if readers[name] > 1:
                    copies[name] = [f"{name}_{number}" for number in range(readers[name])]
                    yield "Split", [name], list(copies[name]), ""
        self.outputs = {key: copies[name].pop() if copies.get(name) else name for key, name in self.outputs.items()}

    def _layer(self, kind: str, inputs: list[str], options: str, output: str = "") -> str:
        output = output or f"value_{len(self._layers)}"
        self._layers.append((kind, inputs, [output], options))
        return output

    def _add(self, operator: Operator) -> str:  # noqa: PLR0911 (a line for each kind)
        options, first = operator.options, operator.input(0)
        match operator.kind:
            case Kind.CONV_2D | Kind.DEPTHWISE_CONV_2D:
                return self._convolution(operator)
            case Kind.ADD | Kind.SUB | Kind.MUL | Kind.DIV if operator.activation() == _NONE:
                return self._binary(operator)
            case Kind.HARD_SWISH:
                return self._layer("HardSwish", [self._names[first]], f"0={1 / 6:.9g} 1=0.5")
            case Kind.LOGISTIC:
                return self._layer("Sigmoid", [self._names[first]], "")
            case Kind.CONCATENATION:
                names = [self._names[tensor] for tensor in operator.inputs if tensor is not None]
                axis = 0 if _is_vector(operator.output) else _AXES[options.axis % 4] - 1
                return self._layer("Concat", names, f"0={axis}")
            case Kind.AVERAGE_POOL_2D:
                top, left, bottom, right = _pads(operator, (options.filterHeight, options.filterWidth), (1, 1))
                return self._layer(
                    "Pooling",
                    [self._names[first]],
                    f"0=1 1={options.filterWidth} 11={options.filterHeight} 2={options.strideW} 12={options.strideH} "
                    f"3={left} 13={top} 14={right} 15={bottom} 5=1 6=0",
                )
            case Kind.MEAN:
                _reduced(operator)
                return self._layer("Pooling", [self._names[first]], "0=1 4=1")
            case Kind.SUM:
                _reduced(operator)
                return self._layer("Reduction", [self._names[first]], "0=0 1=0 -23303=2,1,2 4=0 5=1")
            case Kind.RESHAPE if len(operator.output.shape) == 2 and _is_vector(first):
                return self._names[first]
            case other:
                raise ValueError(f"operator {other} is not known here")

    def _binary(self, operator: Operator) -> str:
        left, right = operator.input(0), operator.input(1)
        number = _NCNN_BINARY[Kind(operator.kind)]
        if right.data is not None and right.size == 1:
            value = float(real_values(right).ravel()[0])
            return self._layer("BinaryOp", [self._names[left]], f"0={number} 1=1 2={value:.9g}")
        if left.data is not None and left.size == 1:
            value = float(real_values(left).ravel()[0])
            turned = _NCNN_TURNED[Kind(operator.kind)]
            return self._layer("BinaryOp", [self._names[right]], f"0={turned} 1=1 2={value:.9g}")
        for constant in (left, right):
            if constant.data is not None:
                self._names[constant] = self._vector(constant)
        if operator.kind == Kind.MUL and _is_vector(left) != _is_vector(right):
            vector, picture = (left, right) if _is_vector(left) else (right, left)
            return self._layer("Scale", [self._names[picture], self._names[vector]], "0=-233")
        return self._layer("BinaryOp", [self._names[left], self._names[right]], f"0={number}")

    def _vector(self, constant: Tensor) -> str:
        if not _is_vector(constant):
            raise ValueError(f"{constant.name}: a constant that is neither a number nor one for each channel")
        self._weights.append(real_values(constant).tobytes())
        return self._layer("MemoryData", [], f"0={constant.size}")

    def _convolution(self, operator: Operator) -> str:
        weights, options = _weights(operator), operator.options
        bias = real_values(operator.input(BIAS))
        self._weights += [bytes(4), weights.tobytes(), bias.tobytes()]  # four zeros: plain float32 follows
        outputs, _, height, width = weights.shape
        activation = {_NONE: "", _RELU: " 9=1", _RELU6: " 9=3 -23310=2,0.0,6.0"}[operator.activation()]
        first = self._names[operator.input(ACTIVATIONS)]
        if _is_vector(operator.output):
            return self._layer("InnerProduct", [first], f"0={outputs} 1=1 2={weights.size}{activation}")
        dilation = options.dilationHFactor, options.dilationWFactor
        top, left, bottom, right = _pads(operator, (height, width), dilation)
        numbers = (
            f"0={outputs} 1={width} 11={height} 2={dilation[1]} 12={dilation[0]} 3={options.strideW} "
            f"13={options.strideH} 4={left} 14={top} 15={right} 16={bottom} 5=1 6={weights.size}{activation}"
        )
        if operator.kind == Kind.DEPTHWISE_CONV_2D:
            return self._layer("ConvolutionDepthWise", [first], f"{numbers} 7={outputs}")
        return self._layer("Convolution", [first], numbers)


def _is_vector(tensor: Tensor) -> bool:
    """One value for each channel."""
    return tensor.size == tensor.shape[-1]
