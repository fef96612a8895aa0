"""`step` on toy models: both runtimes, both memories, and many streams."""

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import toy_model
from toy_model import Block, ToyReference
from toy_streams import (
    SESSIONS,
    SMALL,
    class_names,
    pictures,
    run,
    tensors,
    toy,
    toy_reference_loop,
)

from movinet_edge.engine import DEFAULT_WINDOW, Model, ScoresNotFinite

SPECS = {
    "small": SMALL,
    "passthrough pools": replace(SMALL, passthrough_pools=True),
    "other names": replace(SMALL, signature="call", tensor_prefix="call_"),
    "no stream buffers": replace(SMALL, blocks=(Block(3, (1, 1)),)),
    "A1": toy_model.A1,
    "A2": toy_model.A2,
}
SPEC_CASES = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
MEMORIES = pytest.mark.parametrize("memory", ["window", "cumulative"])


@pytest.fixture(params=SESSIONS.values(), ids=SESSIONS)
def make(request):
    """Makes a model of a spec, in LiteRT and in the interpreter that serves where LiteRT is not, rewritten or not."""
    return lambda spec=SMALL: Model(Path("toy.tflite"), request.param(spec), class_names(spec.classes))


class TestInterface:
    @pytest.mark.parametrize(
        ("spec", "size_px", "states"),
        [(toy_model.A0, 172, 43), (toy_model.A1, 172, 67), (toy_model.A2, 224, 73)],
        ids=["A0", "A1", "A2"],
    )
    def test_size_and_states_are_read_from_the_file(self, make, spec, size_px, states):
        model = make(spec)
        assert model.size_px == (size_px, size_px)
        assert len(model.interface.states) == states
        assert model.interface.pools[-1].channels == spec.head

    @pytest.mark.parametrize("classes", [2, 7, 600])
    @pytest.mark.parametrize("signature", ["serving_default", "call", "anything"])
    def test_classes_and_signature_are_read_from_the_file(self, make, classes, signature):
        model = make(replace(SMALL, classes=classes, signature=signature))
        assert model.classes == classes
        assert model.interface.signature == signature
        assert model.step(pictures(SMALL, 1)[0], model.new_state()).shape == (classes,)

    @pytest.mark.parametrize(("passthrough", "pools"), [(False, 6), (True, 1)])
    def test_pools_that_are_used(self, make, passthrough, pools):
        interface = make(replace(SMALL, passthrough_pools=passthrough)).interface
        assert len(interface.pools) == pools
        assert sum(state.passes_through for state in interface.states) == (10 if passthrough else 0)


class TestMemory:
    @SPEC_CASES
    def test_cumulative_equals_the_runtimes_own_loop_bit_for_bit(self, make, spec):
        frames = tensors(spec, 12)
        found = run(make(spec), frames, memory="cumulative")
        np.testing.assert_array_equal(found, toy_reference_loop(spec, frames))
        np.testing.assert_allclose(found, ToyReference(spec).run(frames), atol=1e-4, rtol=0)

    @pytest.mark.parametrize("window", [1, 2, 3, 8])
    @SPEC_CASES
    def test_window_averages_the_last_frames(self, make, spec, window):
        frames = tensors(spec, 20)
        found = run(make(spec), frames, window=window)
        np.testing.assert_allclose(found, ToyReference(spec, window).run(frames), atol=1e-4, rtol=0)

    def test_window_is_the_default_and_25_frames_long(self, make):
        frames = tensors(SMALL, 60)
        found = run(make(), frames)
        np.testing.assert_allclose(found, ToyReference(SMALL, 25).run(frames), atol=1e-4, rtol=0)
        assert DEFAULT_WINDOW == 25

    def test_the_memories_agree_until_the_window_is_full(self, make):
        frames = tensors(SMALL, 10)
        windowed, cumulative = run(make(), frames, window=8), run(make(), frames, memory="cumulative")
        np.testing.assert_array_equal(windowed[:7], cumulative[:7])
        assert np.abs(windowed[9] - cumulative[9]).max() > 1e-3

    def test_window_forgets_what_cumulative_keeps(self, make):
        before, after = tensors(SMALL, 40), tensors(SMALL, 12, seed=1)
        model = make()
        np.testing.assert_allclose(run(model, before + after, window=5)[-1], run(model, after, window=5)[-1], atol=1e-4)
        forgetful, faithful = (run(model, f, memory="cumulative")[-1] for f in (after, before + after))
        assert np.abs(forgetful - faithful).max() > 1e-2

    @pytest.mark.parametrize("window", [None, 1, 4])
    @SPEC_CASES
    def test_embedding_is_the_mean_of_the_head_pool(self, make, spec, window):
        model, reference = make(spec), ToyReference(spec, window)
        state = model.new_state(memory="window" if window else "cumulative", window=window or 1)
        np.testing.assert_array_equal(state.embedding, np.zeros(spec.head, np.float32))
        for frame in tensors(spec, 9):
            model.step_tensor(frame, state)
            reference.step(frame)
            np.testing.assert_allclose(state.embedding, reference.embedding, atol=1e-5)
        assert state.embedding.dtype == np.float32

    @pytest.mark.parametrize("window", [None, 1, 4])
    @SPEC_CASES
    def test_contribution_is_the_last_frames_part_of_the_head_pool(self, make, spec, window):
        model, alone = make(spec), ToyReference(spec, window)
        state = model.new_state(memory="window" if window else "cumulative", window=window or 1)
        np.testing.assert_array_equal(state.contribution, np.zeros(spec.head, np.float32))
        before = np.zeros(spec.head)
        for frame, tensor in enumerate(tensors(spec, 9)):
            model.step_tensor(tensor, state)
            alone.step(tensor)
            if window is None:
                expected, before = alone.embedding * (frame + 1) - before, alone.embedding * (frame + 1)
                np.testing.assert_allclose(state.contribution, expected, atol=1e-5)
            elif window == 1:
                np.testing.assert_allclose(state.contribution, state.embedding, atol=1e-6)
        assert state.contribution.dtype == np.float32
        assert not np.shares_memory(state.contribution, state.contribution)
        state.reset()
        np.testing.assert_array_equal(state.contribution, np.zeros(spec.head, np.float32))

    @pytest.mark.parametrize(("settings", "expected"), [({"window": 3}, 3), ({"memory": "cumulative"}, 5)])
    def test_frames_are_counted(self, make, settings, expected):
        model = make()
        state = model.new_state(**settings)
        assert (state.frames, state.remembered) == (0, 0)
        run(model, tensors(SMALL, 5), state)
        assert (state.frames, state.remembered) == (5, expected)

    @pytest.mark.parametrize(
        ("settings", "reason"),
        [
            ({"memory": "forever"}, "memory must be window or cumulative, not 'forever'"),
            ({"window": 0}, "window must be at least 1 frame, not 0"),
            ({"fit": "squash"}, "fit must be"),
            ({"roi": (0, 0, 2, 2)}, "does not lie inside the picture"),
        ],
    )
    def test_wrong_settings(self, settings, reason):
        with pytest.raises(ValueError, match=reason):
            toy().new_state(**settings)


class TestReset:
    @pytest.mark.parametrize("before", [1, 2, 7, 40])
    @MEMORIES
    @pytest.mark.parametrize("spec", [SMALL, SPECS["passthrough pools"]], ids=["small", "passthrough pools"])
    def test_it_equals_a_fresh_state_bit_for_bit(self, make, spec, memory, before):
        model, frames = make(spec), tensors(spec, 12, seed=1)
        state = model.new_state(memory=memory, window=5)
        run(model, tensors(spec, before), state)
        state.reset()
        assert (state.frames, state.remembered) == (0, 0)
        np.testing.assert_array_equal(state.embedding, np.zeros(spec.head, np.float32))
        np.testing.assert_array_equal(run(model, frames, state), run(make(spec), frames, memory=memory, window=5))

    def test_it_leaves_other_streams_alone(self, make):
        model, frames = make(), tensors(SMALL, 10)
        kept, reset = model.new_state(window=4), model.new_state(window=4)
        found = []
        for frame in frames:
            found.append(model.step_tensor(frame, kept))
            model.step_tensor(frame, reset)
            reset.reset()
        np.testing.assert_array_equal(found, run(model, frames, window=4))


# Which stream runs when: the interpreter keeps the states of the one that ran last.
TURNS = {
    "in turn": [0, 1] * 12,
    "one after the other": [0] * 12 + [1] * 12,
    "irregular": [0, 0, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 1, 0, 1],
    "three": [0, 1, 2] * 8,
}


class TestStreams:
    @MEMORIES
    @pytest.mark.parametrize("turns", TURNS.values(), ids=TURNS)
    @pytest.mark.parametrize("spec", [SMALL, SPECS["passthrough pools"]], ids=["small", "passthrough pools"])
    def test_on_one_model_they_do_not_touch_each_other(self, make, spec, turns, memory):
        model = make(spec)
        streams = [iter(tensors(spec, 24, seed)) for seed in range(3)]
        states = [model.new_state(memory=memory, window=3) for _ in streams]
        found = [[], [], []]
        for turn in turns:
            found[turn].append(model.step_tensor(next(streams[turn]), states[turn]))
        for seed, logits in enumerate(found):
            if logits:
                alone = run(make(spec), tensors(spec, 24, seed)[: len(logits)], memory=memory, window=3)
                np.testing.assert_array_equal(logits, alone)

    @pytest.fixture
    def _restless(self):
        """Threads change within a step, not only between two."""
        interval_s = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        yield
        sys.setswitchinterval(interval_s)

    @MEMORIES
    @pytest.mark.usefixtures("_restless")
    def test_threads_take_turns(self, make, memory):
        # A toy large enough that one thread waits in the runtime while others look at their states.
        model, frames = make(toy_model.A1), {seed: pictures(toy_model.A1, 8, seed) * 5 for seed in range(4)}

        def stream(seed):
            state, seen = model.new_state(memory=memory, window=4), []
            for index, frame in enumerate(frames[seed]):
                seen.append((model.step(frame, state), state.embedding))
                if index % 16 == 15:
                    state.reset()
            return [np.stack(column) for column in zip(*seen, strict=True)]

        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(stream, frames))
        for seed, found in zip(frames, together, strict=True):
            for one, alone in zip(found, stream(seed), strict=True):
                np.testing.assert_array_equal(one, alone)


class TestStates:
    """The seam below `Model`: what a runtime must do with a stream's states."""

    @pytest.mark.parametrize("ran_last", [True, False], ids=["resident", "at rest"])
    def test_sums_are_what_the_next_frame_takes_in(self, make, ran_last):
        model = make()
        state, other = model.new_state(memory="cumulative"), model.new_state(memory="cumulative")
        head = model.interface.pools[-1]
        run(model, tensors(SMALL, 3), state)
        if not ran_last:
            run(model, tensors(SMALL, 2, seed=1), other)
        reference = ToyReference(SMALL)
        reference.run(tensors(SMALL, 3))
        np.testing.assert_allclose(state.tensors.sums[-head.channels :], 3 * reference.embedding, atol=1e-4)

    @pytest.mark.parametrize("ran_last", [True, False], ids=["resident", "at rest"])
    def test_sums_that_are_fed_go_into_the_next_frame(self, make, ran_last):
        spec = SPECS["no stream buffers"]
        model, frames = make(spec), tensors(spec, 8)
        state, other, copy = (model.new_state(memory="cumulative") for _ in range(3))
        expected = run(model, frames, state)[-1]
        run(model, frames[:7], other)
        if ran_last:
            run(model, frames[:1], copy)
        copy.tensors.feed(other.tensors.sums.copy(), 7)
        np.testing.assert_array_equal(model.step_tensor(frames[7], copy), expected)

    @SPEC_CASES
    @pytest.mark.parametrize("window", [1, 4])
    def test_all_sessions_give_the_same(self, spec, window):
        models = [Model(Path("x"), session(spec), class_names(spec.classes)) for session in SESSIONS.values()]
        first, *others = (run(model, tensors(spec, 10), window=window) for model in models)
        for logits in others:  # a difference of two sums is rounded otherwise than what was added
            np.testing.assert_allclose(logits, first, rtol=0, atol=1e-5)


class TestStep:
    def test_scores_are_the_softmax_of_the_logits(self, make):
        model, frames = make(), pictures(SMALL, 5)
        state = model.new_state(window=3)
        scores = np.stack([model.step(frame, state) for frame in frames])
        logits = run(model, [np.float32(1 / 255) * frame for frame in frames], window=3).astype(np.float64)
        exact = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(scores, exact, atol=1e-6)
        assert scores.dtype == np.float32

    def test_every_result_is_a_new_array(self, make):
        model, frames = make(), pictures(SMALL, 2)
        state = model.new_state()
        first = model.step(frames[0], state)
        before = first.copy()
        assert not np.shares_memory(first, model.step(frames[1], state))
        np.testing.assert_array_equal(first, before)

    def test_colour_order_fit_and_region_reach_the_model(self):
        model = toy()
        picture = np.zeros((40, 60, 3), np.uint8)
        picture[:, :30] = 200, 100, 50
        expected = model.step(np.full((5, 5, 3), (200, 100, 50), np.uint8), model.new_state())
        found = model.step(picture[..., ::-1], model.new_state(roi=(0, 0, 0.5, 1)), colour="bgr")
        np.testing.assert_allclose(found, expected, atol=1e-6)
        whole = [model.step(picture, model.new_state(fit=fit)) for fit in ("stretch", "letterbox")]
        assert np.abs(whole[0] - whole[1]).max() > 1e-3

    @pytest.mark.parametrize("shape", [(12, 12, 3), (1, 12, 12, 3), (1, 1, 12, 12, 3)])
    def test_a_tensor_may_have_leading_ones(self, shape):
        model, frame = toy(), tensors(SMALL, 1)[0]
        np.testing.assert_array_equal(
            model.step_tensor(frame.reshape(shape), model.new_state()), model.step_tensor(frame, model.new_state())
        )

    @pytest.mark.parametrize(
        "bad",
        [
            np.zeros((12, 12, 3)),
            np.zeros((12, 12, 3), np.uint8),
            np.zeros((12, 13, 3), np.float32),
            np.zeros((12, 3), np.float32),
            np.zeros((3,), np.float32),
            np.zeros((2, 12, 12, 3), np.float32),
        ],
        ids=lambda bad: f"{bad.dtype} {bad.shape}",
    )
    def test_a_bad_tensor_changes_nothing(self, bad):
        self.check_unharmed(lambda model, state: model.step_tensor(bad, state), r"expected float32 \[12, 12, 3\]")

    @pytest.mark.parametrize(
        ("bad", "reason"),
        [
            (np.zeros((12, 12), np.uint8), "a rgb picture has 3 channel"),
            (np.zeros((12, 12, 3), np.float32), "uint8 or uint16"),
            (np.zeros((0, 0, 3), np.uint8), "a picture is an array"),
        ],
    )
    def test_a_bad_picture_changes_nothing(self, bad, reason):
        self.check_unharmed(lambda model, state: model.step(bad, state), reason)

    @staticmethod
    def check_unharmed(fail, reason):
        model, frames = toy(), tensors(SMALL, 8)
        state = model.new_state(window=3)
        first = run(model, frames[:4], state)
        with pytest.raises(ValueError, match=reason):
            fail(model, state)
        assert state.frames == 4
        np.testing.assert_array_equal([*first, *run(model, frames[4:], state)], run(model, frames, window=3))

    def test_top_names_the_models_labels(self):
        model = toy()
        scores = model.step(pictures(SMALL, 1)[0], model.new_state())
        best = model.top(scores, 3, deny=[model.labels[int(scores.argmax())]])
        assert [score for _, score in best] == pytest.approx(sorted(scores, reverse=True)[1:4])
        assert all(scores[model.labels.index(label)] == pytest.approx(score) for label, score in best)


@MEMORIES
def test_nan_is_reported_and_the_stream_starts_afresh(make, memory):
    spec = replace(SMALL, nan_logits=True)
    model, frames = make(spec), tensors(spec, 8)
    white = np.full((5, 5, 3), 255, np.uint8)
    state = model.new_state(memory=memory, window=3)
    other = model.new_state(memory=memory, window=3)
    run(model, frames[:5], state)
    kept = run(model, frames[:5], other)
    for _ in range(2):
        with pytest.raises(ScoresNotFinite, match="toy returned NaN or infinity"):
            model.step(white, state)
        assert state.frames == 0
    expected = run(make(spec), frames, memory=memory, window=3)
    np.testing.assert_array_equal(run(model, frames, state), expected)
    np.testing.assert_array_equal([*kept, *run(model, frames[5:], other)], expected)
