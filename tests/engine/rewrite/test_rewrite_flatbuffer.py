"""Reading and writing: nothing is lost, constants are aligned and shared, and other files are refused in words."""

import contextlib

import pytest
import toy_model
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings
from hypothesis import strategies as st
from small_graphs import Plain, SmallSpec, pictures, run, small_movinet
from toy_streams import SMALL, reference_loop, tensors, toy_bytes

from movinet_edge.engine.rewrite import RewriteRefused, read_signature, rewrite
from movinet_edge.engine.rewrite.reading import read_graph
from movinet_edge.engine.rewrite.writing import write_graph

SMALL_FILE = write_graph(small_movinet(), "serving_default")
TOYS = (SMALL, toy_model.ToySpec(size_px=12, passthrough_pools=True, signature="call"))


@pytest.mark.parametrize("spec", TOYS)
def test_a_file_read_and_written_gives_the_same_logits(spec):
    content = toy_bytes(spec)
    graph, interface = read_graph(content)
    images = tensors(spec, 6)
    assert (reference_loop(write_graph(graph, interface.signature), images) == reference_loop(content, images)).all()


def test_what_was_written_reads_the_same():
    first = write_graph(read_graph(write_graph(small_movinet(), "serving_default"))[0], "serving_default")
    assert write_graph(read_graph(first)[0], "serving_default") == first


def test_a_shared_constant_is_stored_once():
    graph = small_movinet()
    size = len(write_graph(graph, "x"))
    convolution = next(o for o in graph.operators if o.inputs[1] is not None and o.inputs[1].size > 200)
    twin = type(convolution)(convolution.kind, list(convolution.inputs), [graph.outputs["logits"]], convolution.options)
    graph.operators.append(twin)
    assert len(write_graph(graph, "x")) - size < 200


def test_constants_stand_where_16_bytes_can_be_loaded_at_once():
    content = write_graph(small_movinet(), "x")
    model = schema.Model.GetRootAs(content, 0)
    seen = 0
    for i in range(model.BuffersLength()):
        data = model.Buffers(i).DataAsNumpy()
        if not isinstance(data, int):
            assert (data.__array_interface__["data"][0] - _address(content)) % 16 == 0
            seen += 1
    assert seen > 20


def _address(content):
    import numpy as np

    return np.frombuffer(content, np.uint8).__array_interface__["data"][0]


@pytest.mark.parametrize("spec", TOYS)
def test_signature_is_that_of_the_whole_graph(spec):
    interface = read_signature(toy_bytes(spec))
    _, same = read_graph(toy_bytes(spec))
    assert interface == same
    assert interface.classes == spec.classes
    assert interface.size_px == (spec.size_px, spec.size_px)
    assert len(interface.pools) == (1 if spec.passthrough_pools else len(spec.layers) + 1)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (toy_model.build(toy_model.ToySpec(size_px=8, classes=3, no_signature=True)), "no signature"),
        (toy_model.build(toy_model.ToySpec(size_px=8, classes=3, flex_op=True)), "FlexSoftplus"),
        (toy_model.build(toy_model.ToySpec(size_px=8, classes=3, unpaired_state=True)), "partner"),
        (toy_model.build(toy_model.ToySpec(size_px=8, classes=3, wrong_image_rank=True)), "image"),
        (b"", "not a TFLite file"),
        (b"no model at all, but long enough for an offset", "not a TFLite file"),
        (b"\x1c\x00\x00\x00TFL3", "the runtime does not take the file"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_refused(content, reason):
    with pytest.raises(RewriteRefused, match=reason):
        rewrite(content)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_file_that_ends_early_is_refused(part):
    content = write_graph(small_movinet(), "serving_default")
    with pytest.raises(RewriteRefused):
        rewrite(content[: int(len(content) * part)])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_file_is_rewritten_or_refused_and_nothing_else(data):
    content = bytearray(SMALL_FILE)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(RewriteRefused):
        rewrite(bytes(content))


def test_a_file_that_was_rewritten_is_refused():
    once = rewrite(write_graph(small_movinet(), "serving_default"))
    with pytest.raises(RewriteRefused, match=r"no states|partner|expected one"):
        rewrite(once.content)


def test_nothing_to_do_is_said():
    graph = small_movinet(SmallSpec())
    for key in [key for key in graph.outputs if key != "logits"]:
        del graph.outputs[key]
    with pytest.raises(RewriteRefused):
        rewrite(write_graph(graph, "serving_default"))


def test_small_movinet_is_a_model_with_a_memory():
    """The other tests compare with it: it must look back."""
    model = Plain(small_movinet())
    first, *others = run(model, pictures(1) * 5)
    assert all((first != other).any() for other in others)
