"""Reads a TFLite file into a `Graph`."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from movinet_edge.api import ModelError
from movinet_edge.engine.interface import ModelInterface, TensorSpec, read_interface
from movinet_edge.engine.rewrite.graph import IMAGE, LOGITS, Graph, Operator, Quantization, Tensor
from movinet_edge.engine.rewrite.refused import RewriteRefused
from movinet_edge.engine.rewrite.schema import dtypes, schema


def read_signature(content: bytes) -> ModelInterface:
    """The interface of a file that the runtime takes, as the engine sees it, without reading the rest of the file.

    Raises:
        RewriteRefused: the file is no streaming MoViNet.
    """
    model = schema().Model.GetRootAs(content, 0)
    if model.SubgraphsLength() != 1 or model.SignatureDefsLength() != 1:
        raise RewriteRefused("the file has more than one graph or signature, or no signature at all")
    part, signature = model.Subgraphs(0), model.SignatureDefs(0)
    sides = []
    for length, item in ((signature.InputsLength(), signature.Inputs), (signature.OutputsLength(), signature.Outputs)):
        names = {_text(item(i).Name()): item(i).TensorIndex() for i in range(length)}
        sides.append([_spec(key, part.Tensors(index), index) for key, index in names.items()])
    try:
        return read_interface({_text(signature.SignatureKey()): (sides[0], sides[1])}, "the file")
    except ModelError as error:
        raise RewriteRefused(str(error)) from error


def read_graph(content: bytes) -> tuple[Graph, ModelInterface]:
    """The graph of a streaming MoViNet and its interface; constants are views of `content`, not copies.

    Raises:
        RewriteRefused: the file is no streaming MoViNet, or has something that these classes do not carry.
    """
    interface = read_signature(content)
    names = schema()
    model = names.ModelT.InitFromObj(names.Model.GetRootAs(content, 0))
    part, signature = model.subgraphs[0], model.signatureDefs[0]
    known = dtypes()
    tensors = [_tensor(table, model.buffers, known) for table in part.tensors]
    operators = [_operator(table, model.operatorCodes, tensors) for table in part.operators]
    ins = {_text(item.name): tensors[item.tensorIndex] for item in signature.inputs}
    outs = {_text(item.name): tensors[item.tensorIndex] for item in signature.outputs}
    if set(ins.values()) != {tensors[i] for i in part.inputs} or set(outs.values()) != {
        tensors[i] for i in part.outputs
    }:
        raise RewriteRefused("the signature does not name every input and output of the graph")
    inputs = {IMAGE: ins[interface.image.key]} | {s.name: ins[s.source.key] for s in interface.states}
    outputs = {LOGITS: outs[interface.logits.key]} | {s.name: outs[s.result.key] for s in interface.states}
    return Graph(inputs, outputs, operators), interface


def _tensor(table: Any, buffers: list[Any], known: Mapping[int, np.dtype[Any]]) -> Tensor:
    name, shape = _text(table.name), tuple(int(n) for n in _list(table.shape))
    if table.type not in known:
        raise RewriteRefused(f"tensor {name!r} has a type that is not known here (number {table.type} of the schema)")
    if table.isVariable or table.sparsity is not None or table.variantTensors or table.externalBuffer:
        raise RewriteRefused(f"tensor {name!r} is variable, sparse or stored elsewhere")
    if any(n < 0 for n in _list(table.shapeSignature)):
        raise RewriteRefused(f"tensor {name!r} has a shape that is not fixed")
    buffer, dtype = buffers[table.buffer], known[table.type]
    if buffer.offset > 1 or buffer.size > 1:  # 1 marks the place where a large file's offset would stand
        raise RewriteRefused("the constants stand behind the file's tables, as only files over 2 GB have them")
    data = None
    if len(_list(buffer.data)):
        data = np.frombuffer(buffer.data, dtype).reshape(shape)
    return Tensor(name, shape, dtype, data, _quantization(table.quantization, name))


def _quantization(table: Any, name: str) -> Quantization | None:
    scale = np.asarray(_list(getattr(table, "scale", None)), np.float32)
    if scale.size == 0:
        return None
    if table.details is not None:
        raise RewriteRefused(f"tensor {name!r} is quantised in a way that is not known here")
    zero_point = np.asarray(_list(table.zeroPoint), np.int64)
    if zero_point.size == 0:
        zero_point = np.zeros(scale.size, np.int64)
    return Quantization(scale, np.broadcast_to(zero_point, scale.shape), int(table.quantizedDimension))


def _operator(table: Any, codes: list[Any], tensors: list[Tensor]) -> Operator:
    code = codes[table.opcodeIndex]
    kind = max(code.builtinCode, code.deprecatedBuiltinCode)
    if code.customCode or len(_list(table.customOptions)) or table.builtinOptions2 is not None:
        raise RewriteRefused(f"operator {_text(code.customCode) or kind} is none of those that can be written back")
    inputs = [tensors[i] if i >= 0 else None for i in _list(table.inputs)]
    return Operator(kind, inputs, [tensors[i] for i in table.outputs], table.builtinOptions, int(code.version))


def _spec(key: str, table: Any, index: int) -> TensorSpec:
    dtype = dtypes().get(table.Type())
    if dtype is None or table.ShapeLength() == 0:
        raise RewriteRefused(f"input or output {key!r} has no shape or a type that is not known here")
    return TensorSpec.of(key, table.ShapeAsNumpy(), dtype, str(index))


def _list(vector: Any) -> Any:
    return () if vector is None else vector


def _text(name: bytes | str | None) -> str:
    return name.decode() if isinstance(name, bytes) else name or ""
