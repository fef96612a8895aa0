"""All heads of a stream in one product: the same as each head by itself, from all frames, the slow way."""

import numpy as np
import pytest
from head_parts import CHANNELS, LABELS, make_head
from hypothesis import given
from hypothesis import strategies as st

from movinet_edge.api import ModelError
from movinet_edge.heads import Head, HeadBank, centred_logits


def slowly(head: Head, contributions: list[np.ndarray], logits: np.ndarray) -> np.ndarray:
    """The probabilities after the last of the contributions, float64."""
    outputs = head.bias.astype(float) + head.logits.astype(float) @ (logits - logits.mean())
    for place, window in enumerate(head.card.windows):
        outputs += head.pool[:, place].astype(float) @ np.mean(contributions[-window:], axis=0)
    return 1 / (1 + np.exp(-outputs))


def softmax(logits):
    powers = np.exp(logits - logits.max())
    return (powers / powers.sum()).astype(np.float32)


@given(
    st.lists(st.tuples(st.sampled_from([(1,), (3,), (2, 5), ()]), st.integers(1, 3)), min_size=1, max_size=4),
    st.integers(1, 14),
    st.integers(0, 2**32 - 1),
)
def test_as_each_head_alone_would_say(kinds, frames, seed):
    random = np.random.default_rng(seed)
    heads = [
        make_head(f"h{index}", [f"h{index}c{place}" for place in range(classes)], windows, seed=index)
        for index, (windows, classes) in enumerate(kinds)
    ]
    bank = HeadBank(heads)
    run = bank.new_run()
    contributions = []
    for _ in range(frames):
        contributions.append(random.random(CHANNELS, np.float32))
        logits = random.normal(0, 3, LABELS)
        result = run.step(contributions[-1], softmax(logits))
    wanted = np.concatenate([slowly(head, contributions, logits) for head in heads])
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, wanted, atol=1e-5)


def test_after_a_reset_it_says_what_it_said_at_first():
    random = np.random.default_rng(0)
    frames = [(random.random(CHANNELS, np.float32), softmax(random.normal(0, 2, LABELS))) for _ in range(7)]
    run = HeadBank([make_head()]).new_run()
    first = [run.step(*frame) for frame in frames]
    run.reset()
    np.testing.assert_array_equal(first, [run.step(*frame) for frame in frames])


def test_streams_do_not_share_what_they_remember():
    bank = HeadBank([make_head()])
    one, other = bank.new_run(), bank.new_run()
    scores = softmax(np.zeros(LABELS))
    one.step(np.ones(CHANNELS, np.float32), scores)
    alone = HeadBank([make_head()]).new_run().step(np.zeros(CHANNELS, np.float32), scores)
    np.testing.assert_array_equal(other.step(np.zeros(CHANNELS, np.float32), scores), alone)


def test_a_sum_does_not_drift():
    random = np.random.default_rng(1)
    run, head = HeadBank([make_head()]).new_run(), make_head()
    logits = np.zeros(LABELS)
    frames = [random.random(CHANNELS, np.float32) for _ in range(20_000)]
    for frame in frames:
        result = run.step(frame, softmax(logits))
    np.testing.assert_allclose(result, slowly(head, frames[-5:], logits), atol=1e-6)


@pytest.mark.parametrize("size", [1e4, -1e4])
def test_far_outputs_are_no_overflow(size):
    head = make_head()
    far = Head(head.card, head.pool, head.logits, np.full(2, size, np.float32))
    result = HeadBank([far]).new_run().step(np.zeros(CHANNELS, np.float32), softmax(np.zeros(LABELS)))
    np.testing.assert_allclose(result, float(size > 0), atol=1e-6)


@given(st.lists(st.floats(-30, 30), min_size=2, max_size=20))
def test_logits_come_back_from_scores(logits):
    wanted = np.array(logits) - np.mean(logits)
    np.testing.assert_allclose(centred_logits(softmax(np.array(logits))), wanted, atol=1e-3)


def test_a_score_of_nothing_is_no_error():
    assert np.isfinite(centred_logits(np.array([1, 0, 0], np.float32))).all()


@pytest.mark.parametrize(
    ("heads", "labels", "says"),
    [
        ([make_head("a"), make_head("b")], (), "head b tells 'squat', and head a has a label of that name"),
        ([make_head("a")], ("Squat",), "head a tells 'squat', and the model has"),
    ],
)
def test_two_of_one_name_are_refused(heads, labels, says):
    with pytest.raises(ModelError, match=says):
        HeadBank(heads, labels)


def test_labels_are_those_of_all_heads_in_order():
    bank = HeadBank([make_head("a", ["x", "y"]), make_head("b", ["z"])], ["w"])
    assert bank.labels == ("x", "y", "z")


def test_heads_of_trunks_of_different_size_are_refused():
    other = make_head("other", ["z"])
    card = other.card.model_copy(update={"trunk": other.card.trunk.model_copy(update={"channels": 1})})
    with pytest.raises(ModelError, match="different sizes"):
        HeadBank([make_head(), Head(card, other.pool[..., :1], other.logits, other.bias)])
