"""A rule that cannot work is refused with a sentence that names the action and the field."""

import math

import pytest

from movinet_edge.actions import ActionRule


def test_the_defaults_are_valid_and_nothing_stays_on_for_ever():
    rule = ActionRule("waving", ("waving hand",))
    assert rule.off <= rule.on
    assert rule.max_duration_s == 3600.0


@pytest.mark.parametrize(
    "fields",
    [
        {"on": 0.0, "off": 0.0},
        {"on": 1.0, "off": 1.0},
        {"min_duration_s": 0.0, "max_gap_s": 0.0, "cooldown_s": 0.0},
        {"max_duration_s": None},
        {"update_every_s": 0.5},
    ],
    ids=str,
)
def test_the_ends_of_the_ranges_are_allowed(fields):
    rule = ActionRule("waving", ("waving hand",), **fields)
    assert {name: getattr(rule, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"on": 0.2, "off": 0.3}, "off is 0.3 and on is 0.2"),
        ({"on": 1.1}, "on is 1.1"),
        ({"off": -0.1}, "off is -0.1"),
        ({"on": math.nan}, "on is nan"),
        ({"off": math.nan}, "off is nan"),
        ({"min_duration_s": -1.0}, "min_duration_s must be zero or more"),
        ({"min_duration_s": math.nan}, "min_duration_s must be zero or more and finite, not nan"),
        ({"max_gap_s": -0.1}, "max_gap_s must be zero or more"),
        ({"cooldown_s": math.inf}, "cooldown_s must be zero or more and finite, not inf"),
        ({"max_duration_s": 0.0}, "max_duration_s must be more than zero"),
        ({"max_duration_s": math.inf}, "max_duration_s must be more than zero and finite"),
        ({"update_every_s": 0.0}, "update_every_s must be more than zero"),
        ({"update_every_s": -5.0}, "update_every_s must be more than zero"),
        ({"max_duration_s": 0.4, "min_duration_s": 0.4}, "must be longer than min_duration_s"),
        ({"labels": ()}, "at least one label"),
        ({"labels": ("waving hand", " ")}, "none may be empty"),
    ],
    ids=str,
)
def test_what_cannot_work_is_named(fields, said):
    with pytest.raises(ValueError, match="waving") as caught:
        ActionRule(**{"name": "waving", "labels": ("waving hand",), **fields})
    assert said in str(caught.value)


def test_an_action_needs_a_name():
    with pytest.raises(ValueError, match="needs a name"):
        ActionRule("  ", ("waving hand",))
