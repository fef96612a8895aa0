"""The official file and two exports of others: what each pass finds in them, and what comes out."""

import itertools

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from hosted_stream import Hosted, hosted
from small_graphs import Plain, run

from movinet_edge.engine import Model, read_labels
from movinet_edge.engine.rewrite import read_signature, rewrite, self_test
from movinet_edge.engine.rewrite.host import host_plan
from movinet_edge.engine.rewrite.reading import read_graph
from movinet_edge.engine.rewrite.recipes import family_of, recipe_for
from movinet_edge.engine.rewrite.rewriting import SIGNATURE, Rewritten
from movinet_edge.engine.rewrite.self_test import moving_pictures
from movinet_edge.engine.rewrite.shapes import check_graph
from movinet_edge.engine.rewrite.writing import write_graph

OFFICIAL, INT8, DYNAMIC = (
    "movinet_a0_stream_int8_v1",
    "movinet_a0_stream_int8_cattle7",
    "movinet_a0_stream_dynamic_cattle7",
)
SIZE_PX = (172, 172)

# file → family, operators before, what each pass changed
FOUND = {
    OFFICIAL: (
        "int8",
        227,
        {
            "float pools": 1,
            "int8 averages": 4,
            "few channels": 5,
            "unused states": 30,
            "temporal convolutions": 11,
            "ReZero": 15,
            "int8 states": 11,
            "counters": 1,
            "pools": 1,
            "one-frame states": 11,
        },
    ),
    INT8: (
        "int8 with gates",
        606,
        {
            "depthwise weights": 26,
            "small convolutions": 6,
            "broadcasts": 15,
            "temporal convolutions": 11,
            "ReZero": 15,
            "counters": 16,
            "pools": 16,
            "one-frame states": 11,
        },
    ),
    DYNAMIC: (
        "dynamic",
        504,
        {
            "depthwise weights": 11,
            "broadcasts": 15,
            "temporal convolutions": 11,
            "ReZero": 15,
            "counters": 16,
            "pools": 16,
            "one-frame states": 11,
        },
    ),
}
SHAPES_OF_ALL = {"rank 4", "float activations"}
"""Passes that count tensors, not places."""


@pytest.fixture(scope="module", params=FOUND)
def file(request, models_dir):
    """Name and content of each file."""
    return request.param, (models_dir / f"{request.param}.tflite").read_bytes()


def test_every_pass_finds_what_is_there_and_xnnpack_takes_the_rest_in_one_piece(file):
    name, content = file
    rewritten = rewrite(content, machine="x86_64")
    changed = {report.name: report.changed for report in rewritten.reports if report.changed}
    assert (rewritten.family, rewritten.operators_before) == FOUND[name][:2]
    assert {key: count for key, count in changed.items() if key not in SHAPES_OF_ALL} == FOUND[name][2]
    assert not [reason for report in rewritten.reports for reason in report.left]
    assert rewritten.plan.image_shape == (1, 172, 172, 3)
    assert [len(ring.inputs) for ring in rewritten.plan.rings].count(4) == 3
    interpreter = Interpreter(model_content=rewritten.content, num_threads=1)
    interpreter.allocate_tensors()
    assert [operator["op_name"] for operator in interpreter._get_ops_details()].count("DELEGATE") == 1


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_self_test_passes(file, machine):
    _, content = file
    stream = hosted(content, machine=machine)
    reference = Plain(stream.rewritten.reference)
    proof = self_test(Plain(content), reference, stream, stream.rewritten.family)
    assert proof.structure.largest < 0.03
    assert proof.structure.same_top == proof.structure.frames


def test_passes_that_say_so_change_no_bit(file):
    _, content = file
    graph, interface = read_graph(content)
    family = family_of(graph)
    for step in recipe_for(family).structure:
        if step.effect == "none":
            step.apply(graph)
    check_graph(graph)
    plan = host_plan(graph, tuple(state.name for state in interface.states))
    stream = Hosted(Rewritten(write_graph(graph, SIGNATURE), plan, family, None, 0, ()), interface)
    images = list(moving_pictures(SIZE_PX, 20))
    for pictures in (images, images[::-1]):
        np.testing.assert_array_equal(run(stream, pictures), run(Plain(content), pictures))


def test_the_int8_file_is_closer_to_its_float_weights_than_it_was(models_dir, carving_ice):
    """Its dynamic-range twin has the same weights and float values in between."""
    files = {name: (models_dir / f"{name}.tflite").read_bytes() for name in (INT8, DYNAMIC)}
    pictures = [picture / np.float32(255) for picture in carving_ice[:20]]
    twin, untouched, found = (
        run(m, pictures) for m in (Plain(files[DYNAMIC]), Plain(files[INT8]), hosted(files[INT8]))
    )
    assert np.abs(found - twin).max() < np.abs(untouched - twin).max() / 3
    assert (found.argmax(axis=1) == twin.argmax(axis=1)).all()


def test_the_official_file_no_longer_fades(models_dir, a0_int8, carving_ice):
    """Its own sum stops growing after 30 s: the score of a scene that does not change falls to 0.14."""
    labels = read_labels(models_dir / "kinetics600_labels.txt")
    model = Model(a0_int8, hosted(a0_int8.read_bytes()).session, labels)
    state = model.new_state(memory="cumulative")
    carving = model.labels.index("carving ice")
    scores = [model.step(picture, state)[carving] for picture in itertools.islice(itertools.cycle(carving_ice), 1000)]
    rounds = np.array(scores)[len(carving_ice) - 1 :: len(carving_ice)]
    assert rounds.min() > 0.9
    assert np.ptp(rounds[3:]) <= 0.02


def test_interface_is_read_without_the_rest(file):
    name, content = file
    interface = read_signature(content)
    assert len(interface.states) == 43
    assert len(interface.pools) == (1 if name == OFFICIAL else 16)
