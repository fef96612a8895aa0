"""The session that runs rewritten files: streams do not mix, and the engine's model works on it as on any other."""

import numpy as np
import pytest
from small_graphs import CLASSES, Plain, SmallSpec, pictures, run, small_movinet

from movinet_edge.engine import Model
from movinet_edge.engine.litert import LiteRTSession
from movinet_edge.engine.rewrite import HostedSession, RewriteRefused, read_signature, rewrite
from movinet_edge.engine.rewrite.host import host_plan
from movinet_edge.engine.rewrite.recipes import recipe_for
from movinet_edge.engine.rewrite.writing import write_graph

LABELS = tuple(f"action {i}" for i in range(CLASSES))
CLOSE = {"rtol": 0, "atol": 1e-6}


def content_of(spec):
    return write_graph(small_movinet(spec), "serving_default")


def session_of(spec):
    return HostedSession(rewrite(content_of(spec)), read_signature(content_of(spec)))


def step(session, tensors, image):
    np.copyto(session.image[0, 0], image)
    return session.run(tensors)


@pytest.mark.parametrize("kernel", [2, 3, 5, 6])
def test_streams_that_take_turns_are_each_as_if_alone(kernel):
    """With a kernel of 6 the state stays whole: its two buffers are swapped."""
    spec = SmallSpec(kernel=kernel)
    session = session_of(spec)
    assert bool(session.plan.whole) == (kernel == 6)
    streams = [session.new_tensors() for _ in range(3)]
    images = [pictures(17, seed=seed) for seed in range(3)]
    found = [
        [step(session, t, image) for t, image in zip(streams, frame, strict=True)]
        for frame in zip(*images, strict=True)
    ]
    for stream, own in enumerate(images):
        np.testing.assert_allclose([frame[stream] for frame in found], run(Plain(content_of(spec)), own), **CLOSE)


@pytest.mark.parametrize("frames", range(1, 8))
def test_a_reset_forgets_wherever_the_buffers_stand(frames):
    session = session_of(SmallSpec())
    tensors = session.new_tensors()
    for image in pictures(frames, seed=1):
        step(session, tensors, image)
    tensors.clear()
    found = [step(session, tensors, image) for image in pictures(4)]
    fresh = session.new_tensors()
    np.testing.assert_array_equal(found, [step(session, fresh, image) for image in pictures(4)])


@pytest.mark.parametrize("memory", ["window", "cumulative"])
def test_a_model_on_it_is_the_model_on_the_untouched_file(tmp_path, memory):
    path = tmp_path / "small.tflite"
    path.write_bytes(content_of(SmallSpec()))
    plain, hosted = (Model(path, s, LABELS) for s in (LiteRTSession(str(path), 1), session_of(SmallSpec())))
    states = [model.new_state(memory=memory, window=4) for model in (plain, hosted)]
    images = pictures(12)
    for again in range(2):
        for image in images[again:]:
            expected, found = (
                model.step_tensor(image, state) for model, state in zip((plain, hosted), states, strict=True)
            )
            np.testing.assert_allclose(found, expected, **CLOSE)
        np.testing.assert_allclose(states[1].embedding, states[0].embedding, **CLOSE)
        for state in states:
            state.reset()


def test_an_input_that_nobody_would_feed_is_refused():
    graph = small_movinet(SmallSpec(broadcast=False))
    names = tuple(key for key in graph.inputs if key != "image")
    for action in recipe_for("float32").structure:
        action.apply(graph)
    host_plan(graph, names)
    with pytest.raises(RewriteRefused, match="nothing is said about state_block0"):
        host_plan(graph, names[1:])
