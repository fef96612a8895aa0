"""Values put into the text of a configuration: they are there, and nothing else has changed."""

import pytest

from movinet_edge.api import ConfigurationError
from movinet_edge.config.edit import with_values

BLOCK = """\
# A comment.
streams:
  - name: porch   # the camera
    actions:
      fall:
        labels: [falling off chair]
        on: 0.5  # was tried
        # the end
      wave: {labels: [waving hand], on: 0.5}
    smoothing: {type: ema}
"""
FALL = ("streams", 0, "actions", "fall")
WAVE = ("streams", 0, "actions", "wave")


def test_a_value_is_replaced_where_it_stands():
    assert with_values(BLOCK, {(*FALL, "on"): 0.65}) == BLOCK.replace("on: 0.5  # was", "on: 0.65  # was")


def test_a_key_is_added_to_a_block():
    changed = with_values(BLOCK, {(*FALL, "off"): 0.25, (*FALL, "min_duration"): 1.0})
    assert "      fall:\n        off: 0.25\n        min_duration: 1\n        labels: [falling off chair]\n" in changed
    assert changed.replace("        off: 0.25\n        min_duration: 1\n", "") == BLOCK


def test_a_key_is_added_between_braces():
    changed = with_values(BLOCK, {(*WAVE, "off"): 0.25, (*WAVE, "on"): 0.7})
    assert "wave: {labels: [waving hand], on: 0.7, off: 0.25}" in changed


def test_a_mapping_is_added_to_the_first_item_of_a_list():
    text = "streams:\n  - name: porch\n    fps: 5\n"
    changed = with_values(text, {("streams", 0, "smoothing"): {"type": "ema", "half_life": 0.5}})
    assert changed == 'streams:\n  - smoothing: {type: "ema", half_life: 0.5}\n    name: porch\n    fps: 5\n'


def test_what_is_in_another_file_is_told():
    with pytest.raises(ConfigurationError, match=r"streams\[1\]\.actions\.fall is not in this file; put in by hand"):
        with_values(BLOCK, {("streams", 1, "actions", "fall", "on"): 0.5})


def test_an_alias_is_not_changed_for_everybody():
    text = "a: &one {on: 0.5}\nb: *one\n"
    with pytest.raises(ConfigurationError, match=r"does not allow it; put in by hand b\.on: 0\.6"):
        with_values(text, {("b", "on"): 0.6})


def test_windows_line_ends_and_no_end_of_line():
    assert with_values("fall:\r\n  on: 0.5", {("fall", "on"): 0.6}) == "fall:\r\n  on: 0.6"
