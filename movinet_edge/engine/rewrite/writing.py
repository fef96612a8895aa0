"""Writes a `Graph` as a TFLite file."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from movinet_edge.engine.rewrite.graph import Graph, Operator, Tensor
from movinet_edge.engine.rewrite.schema import IDENTIFIER, dtypes, schema

_SCHEMA_VERSION = 3
# What the schema asks of constants; a kernel that loads 16 bytes at once would fail on an odd address.
_ALIGNMENT = 16
# Tables, names and shapes beside the constants; a little more than the largest export of a MoViNet has. The builder
# doubles, and copies, when it is too little.
_ROOM_FOR_TABLES = 1 << 19
# The old field for the kind of an operator has one byte; readers of today take the larger of the two.
_OLD_KIND_LIMIT = 127


def write_graph(graph: Graph, signature: str) -> bytes:
    """The file for a graph; a constant that several tensors share is stored once."""
    import flatbuffers  # type: ignore[import-untyped]  # comes with LiteRT, without types

    names = schema()
    tensors = graph.tensors()
    index = {tensor: i for i, tensor in enumerate(tensors)}
    buffers = _Buffers(names)
    numbers = {dtype: number for number, dtype in dtypes().items()}
    part = names.SubGraphT(name="main")
    part.tensors = [_tensor_table(names, tensor, numbers[tensor.dtype], buffers) for tensor in tensors]
    part.inputs = [index[tensor] for tensor in graph.inputs.values()]
    part.outputs = [index[tensor] for tensor in graph.outputs.values()]
    codes: dict[tuple[int, int], int] = {}
    part.operators = [
        _operator_table(operator, codes.setdefault((operator.kind, operator.version), len(codes)), index)
        for operator in graph.operators
    ]
    model = names.ModelT(version=_SCHEMA_VERSION, description="rewritten by movinet-edge")
    model.subgraphs, model.buffers = [part], buffers.tables
    model.operatorCodes = [
        names.OperatorCodeT(builtinCode=kind, deprecatedBuiltinCode=min(kind, _OLD_KIND_LIMIT), version=version)
        for kind, version in codes
    ]
    model.signatureDefs = [
        names.SignatureDefT(
            signatureKey=signature,
            inputs=[names.TensorMapT(name=key, tensorIndex=index[t]) for key, t in graph.inputs.items()],
            outputs=[names.TensorMapT(name=key, tensorIndex=index[t]) for key, t in graph.outputs.items()],
        )
    ]
    builder = flatbuffers.Builder(buffers.size + _ROOM_FOR_TABLES)
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _tensor_table(names: ModuleType, tensor: Tensor, type_number: int, buffers: "_Buffers") -> Any:
    table = names.TensorT(name=tensor.name, type=type_number, shape=list(tensor.shape), hasRank=True)
    table.buffer = buffers.index_of(tensor.data)
    if tensor.quantization is not None:
        table.quantization = names.QuantizationParametersT(
            scale=tensor.quantization.scale.tolist(),
            zeroPoint=tensor.quantization.zero_point.tolist(),
            quantizedDimension=tensor.quantization.axis,
        )
    return table


def _operator_table(operator: Operator, code: int, index: Mapping[Tensor, int]) -> Any:
    names = schema()
    table = names.OperatorT(opcodeIndex=code, builtinOptions=operator.options)
    if operator.options is not None:
        table.builtinOptionsType = getattr(names.BuiltinOptions, type(operator.options).__name__.removesuffix("T"))
    table.inputs = [-1 if tensor is None else index[tensor] for tensor in operator.inputs]
    table.outputs = [index[tensor] for tensor in operator.outputs]
    return table


class _Buffers:
    """The constants to be written, each once."""

    def __init__(self, names: ModuleType) -> None:
        self._new_table = _aligned_buffer(names)
        self.tables = [names.BufferT()]  # the first one is empty by agreement: that of all tensors without a value
        self._index: dict[tuple[int, int], int] = {}
        self._kept: list[NDArray[Any]] = []  # so that no address in the index is used twice
        self.size = 0

    def index_of(self, data: NDArray[Any] | None) -> int:
        """Where the constant stands."""
        if data is None:
            return 0
        flat = np.ascontiguousarray(data).reshape(-1)
        key = flat.ctypes.data, flat.nbytes
        if key not in self._index:
            self._index[key] = len(self.tables)
            self.tables.append(self._new_table(flat.view(np.uint8)))
            self._kept.append(flat)
            self.size += flat.nbytes + _ALIGNMENT
        return self._index[key]


def _aligned_buffer(names: ModuleType) -> Any:
    class AlignedBuffer(names.BufferT):  # type: ignore[name-defined, misc]  # a class of a module without types
        """The generated class packs bytes at any address, though the schema says `force_align: 16`."""

        def Pack(self, builder: Any) -> Any:  # noqa: N802  # the generated name
            builder.StartVector(1, self.data.size, _ALIGNMENT)
            builder.head -= self.data.size
            builder.Bytes[builder.head : builder.head + self.data.size] = self.data.tobytes()
            vector = builder.EndVector()
            names.BufferStart(builder)
            names.BufferAddData(builder, vector)
            return names.BufferEnd(builder)

    return AlignedBuffer
