"""What the model of the package makes of whole videos: as its card says, so that no file with other figures ships."""

import pytest

from movinet_edge.library import BUILTIN_MODEL, load
from movinet_edge.models.catalogue import BUNDLED_FOLDER
from movinet_edge.training.clips import HELD_SUBJECT
from movinet_edge.training.events import falls_on, starts
from movinet_edge.training.falls import read_videos
from movinet_edge.training.figures import WATCHED

CARD_WINDOW, USUAL_WINDOW = 16, 25


@pytest.fixture(scope="module")
def model():
    return load(BUILTIN_MODEL)


def actions_in(model, video, window):
    return [event.action for event in starts(model, video, WATCHED, window)[0]]


@pytest.mark.parametrize("window", [CARD_WINDOW, USUAL_WINDOW])
def test_the_demo_has_both_actions_and_no_other_of_all_that_can_be_told(model, demo_clip, window):
    assert actions_in(model, demo_clip, window) == ["jumping jacks", "push up"]


@pytest.mark.parametrize(
    ("name", "action"), [("synthetic_cc0_Jumping_Jacks", "jumping jacks"), ("synthetic_cc0_Pushup", "push up")]
)
def test_a_clip_of_one_action_has_that_and_no_other(model, clips_dir, name, action):
    assert actions_in(model, clips_dir / f"{name}.mp4", CARD_WINDOW) == [action]


def test_falls_of_a_person_it_has_not_learnt_from_are_found_as_its_card_says(model, shared):
    videos = [video for video in read_videos(shared / "datasets" / "falls") if video.subject == HELD_SUBJECT]
    found = falls_on(model, videos, CARD_WINDOW)
    card = (BUNDLED_FOLDER / "builtin.md").read_text(encoding="utf-8")
    assert f"{found.found} of {found.falls} found; {found.daily_false} false in" in card
    assert f"{found.false} at wrong moments in all" in card
    assert (found.falls, found.videos) == (5, 10)
