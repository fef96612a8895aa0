"""Watch lists: which labels a rule finds, what an action scores, and what a misspelt label is answered."""

import pickle

import numpy as np
import pytest

from movinet_edge.actions import ActionRule, UnknownLabel, WatchList

LABELS = (
    "waving hand",
    "playing guitar",
    "playing harp",
    "playing chess",
    "Punching Bag",
    "punching person (boxing)",
    "push up",
    "odd [label]",
)


def compiled(*patterns: str) -> WatchList:
    return WatchList.compile([ActionRule("watched", patterns)], LABELS)


def only(*places: int) -> np.ndarray:
    """Scores of which only those at `places` are not zero: 1/8, 2/8, 3/8 …"""
    scores = np.zeros(len(LABELS), dtype=np.float32)
    scores[list(places)] = np.arange(1, len(places) + 1) / 8
    return scores


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (("waving hand",), {0}),
        (("Waving HAND",), {0}),
        ((" waving hand ",), {0}),
        (("punching bag",), {4}),
        (("playing *",), {1, 2, 3}),
        (("PLAYING *",), {1, 2, 3}),
        (("playing ?arp",), {2}),
        (("*ing *", "push up"), {0, 1, 2, 3, 4, 5, 6}),
        (("playing *", "playing harp", "*harp"), {1, 2, 3}),
        (("punching person (boxing)",), {5}),
        (("odd [label]",), {7}),
        (("p[lu]*",), {1, 2, 3, 4, 5, 6}),
        (("*",), set(range(8))),
    ],
    ids=str,
)
def test_names_and_globs_find_labels_whatever_their_case(patterns, found):
    watch = compiled(*patterns)
    hit = {place for place in range(len(LABELS)) if watch.scores(only(place))[0] > 0}
    assert hit == found


def test_the_score_is_the_sum_of_the_labels_each_counted_once():
    scores = compiled("playing *", "playing harp").scores(only(1, 2, 3))
    assert scores.dtype == np.float32
    assert scores.tolist() == [0.75]


def test_the_sum_is_clipped_to_one():
    assert compiled("*").scores(np.full(len(LABELS), 0.9, dtype=np.float32)).tolist() == [1.0]


def test_actions_may_share_labels():
    rules = [ActionRule("strings", ("playing guitar", "playing harp")), ActionRule("guitar", ("playing guitar",))]
    watch = WatchList.compile(rules, LABELS)
    assert watch.rules == tuple(rules)
    assert len(watch) == 2
    assert watch.scores(only(1, 2)).tolist() == [0.375, 0.125]


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_number_counts_as_zero_and_spoils_no_other_action(broken):
    rules = [ActionRule("strings", ("playing *",)), ActionRule("waving", ("waving hand",))]
    scores = only(0, 1)
    scores[2] = broken
    assert WatchList.compile(rules, LABELS).scores(scores).tolist() == [0.0, 0.125]


def test_the_given_scores_are_left_alone():
    given = np.full(len(LABELS), 2.0, dtype=np.float32)
    given[0] = np.nan
    before = given.copy()
    WatchList.every_label(LABELS, ActionRule("any", ("*",))).scores(given)
    np.testing.assert_array_equal(given, before)


@pytest.mark.parametrize("shape", [(7,), (9,), (1, 8), ()])
def test_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"shape \(8,\)"):
        compiled("*").scores(np.zeros(shape, dtype=np.float32))


@pytest.mark.parametrize(
    ("pattern", "nearest"),
    [
        ("wavng hand", "waving hand"),
        ("wavinghand", "waving hand"),
        ("push-up", "push up"),
        ("punch", "Punching Bag"),
        ("playin gitar", "playing guitar"),
        ("playng*", "playing harp"),
        ("boxing", "punching person (boxing)"),
    ],
)
def test_a_misspelt_label_is_answered_with_the_nearest(pattern, nearest):
    with pytest.raises(UnknownLabel) as caught:
        compiled("waving hand", pattern)
    assert caught.value.pattern == pattern
    assert nearest in caught.value.suggestions
    assert len(caught.value.suggestions) <= 3
    for part in ("watched", repr(pattern), repr(nearest)):
        assert part in str(caught.value)


def test_without_anything_near_it_points_to_the_list():
    with pytest.raises(UnknownLabel, match="list of labels") as caught:
        compiled("zzzz")
    assert caught.value.suggestions == ()
    assert isinstance(caught.value, ValueError)


def test_the_error_survives_a_pickle():
    error = UnknownLabel("watched", "wavng", ["waving hand"])
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (str(copy), copy.pattern, copy.suggestions) == (str(error), "wavng", ("waving hand",))


def test_two_actions_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two actions are called 'a'"):
        WatchList.compile([ActionRule("a", ("push up",)), ActionRule("a", ("waving hand",))], LABELS)


def test_an_empty_list_is_refused():
    with pytest.raises(ValueError, match="at least one action"):
        WatchList.compile([], LABELS)


def test_every_label_is_an_action_with_the_templates_thresholds():
    watch = WatchList.every_label(LABELS, ActionRule("any", ("*",), on=0.8, off=0.1, cooldown_s=7.0))
    assert [rule.name for rule in watch.rules] == list(LABELS)
    assert {(rule.on, rule.off, rule.cooldown_s) for rule in watch.rules} == {(0.8, 0.1, 7.0)}
    scores = np.linspace(0, 1, len(LABELS), dtype=np.float32)
    np.testing.assert_array_equal(watch.scores(scores), scores)
    assert watch.contributing(7, scores) == ("odd [label]",)


def test_a_label_that_a_model_has_twice_is_one_action():
    watch = WatchList.every_label(["standing", "lying", "standing"], ActionRule("any", ("*",)))
    assert [rule.name for rule in watch.rules] == ["standing", "lying"]
    assert watch.scores(np.array([0.25, 0.125, 0.5], dtype=np.float32)).tolist() == [0.75, 0.125]


@pytest.mark.parametrize(
    ("scores", "named"),
    [
        ((0.1, 0.6, 0.2), ("harp", "chess", "guitar")),
        ((0.7, 0.05, 0.2), ("guitar", "chess")),
        ((0.0, 0.0, 0.3), ("chess",)),
        ((np.nan, 0.2, 0.3), ("chess", "harp")),
        ((0.2, np.inf, 0.3), ("chess", "guitar")),
    ],
    ids=str,
)
def test_the_labels_behind_a_score_come_strongest_first_without_the_negligible(scores, named):
    watch = WatchList.compile([ActionRule("any", ("*",))], ["guitar", "harp", "chess"])
    assert watch.contributing(0, np.array(scores, dtype=np.float32)) == named


@pytest.mark.parametrize("score", [0.0, 0.5, np.nan])
def test_there_is_at_least_one_label_and_there_are_at_most_five(score):
    assert 1 <= len(compiled("*").contributing(0, np.full(len(LABELS), score, dtype=np.float32))) <= 5


def test_the_kinetics_labels(models_dir):
    labels = (models_dir / "kinetics600_labels.txt").read_text().splitlines()
    watch = WatchList.compile([ActionRule("music", ("playing *",)), ActionRule("jacks", ("jumping jacks",))], labels)
    scores = np.full(600, 1 / 600, dtype=np.float32)
    music, jacks = watch.scores(scores).tolist()
    assert music == pytest.approx(sum(label.startswith("playing ") for label in labels) / 600, rel=1e-5)
    assert jacks == pytest.approx(1 / 600)
