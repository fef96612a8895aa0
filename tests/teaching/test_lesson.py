"""A whole lesson on a toy: the head that comes of it, how it is judged, and that its record makes it again."""

import numpy as np
import pytest

from movinet_edge.api import ConfigurationError, ModelError
from movinet_edge.heads import BACKGROUND, read_head, write_head
from movinet_edge.taught import TaughtModel, load_heads
from movinet_edge.teaching.compare import Comparison, compare
from movinet_edge.teaching.examples import Example, Span
from movinet_edge.teaching.lesson import teach
from movinet_edge.teaching.record import record_of
from movinet_edge.teaching.report import sentences
from movinet_edge.teaching.seeing import open_source


@pytest.fixture
def show(clip):
    """Examples of flat colours: `show("blue", 6, "azure")`, numbered from `first`, each its own source."""

    def make(colour, count, label, first=0):
        return [
            Example(str(clip(f"{colour}{number}.mkv", (colour, 2))), (Span(label),), f"{colour}{number}")
            for number in range(first, first + count)
        ]

    return make


@pytest.fixture
def examples(show):
    """Six of blue, and of what is not blue."""
    return [*show("blue", 6, "azure"), *show("grey", 3, BACKGROUND), *show("green", 3, BACKGROUND)]


def test_a_head_recognises_what_it_was_taught(examples, clip, trunk):
    lesson = teach("colours", examples, trunk)
    figures = lesson.figures["azure"]
    assert (figures.found.count, figures.found.of, figures.mistaken.count, figures.mistaken.of) == (6, 6, 0, 6)
    assert figures.area == 1.0
    taught = TaughtModel(trunk, [lesson.head])
    assert taught.labels == ("one", "two", "three", "four", "azure")
    blue, grey = _last_scores(taught, clip("new.mkv", ("blue", 2))), _last_scores(taught, clip("new2.mkv", ("grey", 2)))
    assert blue[-1] > 0.5 > grey[-1]
    assert blue[:4].sum() == pytest.approx(1.0, abs=1e-5)


def _last_scores(model, path):
    from movinet_edge.api import FrameRequest

    state = model.new_state()
    source = open_source(Example(str(path), (), ""))
    for frame in source.frames(FrameRequest(5.0)):
        scores = model.step(frame.image, state, colour=frame.colour)
    source.close()
    return scores


def test_the_same_lesson_gives_the_same_head(examples, trunk, tmp_path):
    first = teach("colours", examples, trunk).head
    write_head(first, tmp_path / "colours.head.json")
    record = record_of(read_head(tmp_path / "colours.head.json"))
    again = teach(
        "colours",
        [example.example() for example in record.examples],
        trunk,
        signals=record.signals,
        mirror=record.mirror,
        seed=record.seed,
        folds=record.folds,
    ).head
    assert again.digest == first.digest


def test_a_record_knows_its_examples_again(examples, trunk):
    record = record_of(teach("colours", examples, trunk).head)
    recorded = record.examples[0]
    with open(recorded.path, "ab") as file:  # noqa: PTH123
        file.write(b"x")
    with pytest.raises(ConfigurationError, match="this file has changed since the head was taught"):
        recorded.example()
    gone = recorded.model_copy(update={"path": "nowhere.mkv"})
    with pytest.raises(ConfigurationError, match="this example of the record is gone"):
        gone.example()
    with pytest.raises(ConfigurationError, match="a live stream cannot be seen again"):
        recorded.model_copy(update={"sha256": None}).example()


def test_several_actions_at_once(show, trunk):
    examples = [*show("blue", 3, "azure"), *show("green", 3, "lime"), *show("grey", 3, BACKGROUND)]
    lesson = teach("colours", examples, trunk)
    assert lesson.head.classes == ("azure", "lime")
    assert all(figures.area == 1.0 for figures in lesson.figures.values())


def test_without_a_second_source_nobody_claims_to_know(show, trunk):
    lesson = teach("colours", [*show("blue", 1, "azure"), *show("grey", 4, BACKGROUND)], trunk)
    assert lesson.figures == {"azure": None}
    assert lesson.head.card.figures == {}
    text = "\n".join(sentences(lesson))
    assert "nobody can say how good it is" in text
    assert "azure: other recordings or days; 1 so far" in text


def test_it_is_said_in_words(examples, clip, trunk):
    short = Example(str(clip("short.mkv", ("blue", 0.2))), (Span("azure"),), "short")
    lesson = teach("colours", [*examples, short], trunk)
    text = "\n".join(sentences(lesson))
    assert "azure: recognises 6 of 6 (61% to 100%) examples" in text
    assert "takes 0 of 6 (0% to 39%) of the background for it (5 parts tried; the two are clearly apart)" in text
    assert "azure: more examples; 6 so far" in text
    assert "longer clips: 1 were too short" in text


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([BACKGROUND], "nothing to teach"),
        (["azure"], "only examples of 'azure' are given; .*--background"),
        (["Two", BACKGROUND], "'Two' is a label of the model already"),
        (["x" * 65, BACKGROUND], "cannot be called so: String should have at most 64 characters"),
        (["a\tb", BACKGROUND], "cannot be called so: .*use printable characters"),
    ],
)
def test_what_cannot_be_taught(show, trunk, labels, says):
    examples = [
        example for colour, label in zip(("blue", "grey"), labels, strict=False) for example in show(colour, 2, label)
    ]
    with pytest.raises(ConfigurationError, match=says):
        teach("colours", examples, trunk)


def test_an_action_of_which_every_clip_is_too_short(clip, show, trunk):
    short = Example(str(clip("short.mkv", ("blue", 0.2))), (Span("azure"),), "short")
    with pytest.raises(ConfigurationError, match="no example of 'azure' is long enough"):
        teach("colours", [short, *show("grey", 2, BACKGROUND)], trunk)


def test_a_better_head_is_told_from_the_old(show, examples, trunk):
    # The first lesson has never seen anything dark, and takes green for what it was taught.
    wrong = [*show("green", 3, "azure", first=50), *show("grey", 3, BACKGROUND, first=50)]
    old = teach("colours", wrong, trunk).head
    lesson = teach("colours", examples, trunk)
    comparison = compare(old, lesson, "azure")
    assert isinstance(comparison, Comparison)
    assert comparison.new_is_better
    assert comparison.new.accuracy == 1.0
    assert "the new head is better than the old one: 100% right instead of" in "\n".join(
        sentences(lesson, {"azure": comparison})
    )


def test_on_what_the_old_head_has_learned_from_nothing_is_compared(examples, trunk):
    lesson = teach("colours", examples, trunk)
    assert "not yet new sources" in compare(lesson.head, lesson, "azure")
    assert "does not tell" in compare(lesson.head, lesson, "lime")


def test_heads_of_another_model_are_refused(examples, trunk, tmp_path):
    head = teach("colours", examples, trunk).head
    card = head.card.model_copy(update={"trunk": head.card.trunk.model_copy(update={"sha256": "0" * 64})})
    other = type(head)(card, head.pool, head.logits, head.bias)
    with pytest.raises(ModelError, match="understands no other model"):
        TaughtModel(trunk, [other])
    write_head(head, tmp_path / "a.head.json")
    write_head(head, tmp_path / "b.head.json")
    with pytest.raises(ModelError, match="two heads are called 'colours'"):
        load_heads([tmp_path / "a.head.json", tmp_path / "b.head.json"])


def test_a_reset_stream_begins_anew_for_the_heads_too(examples, trunk):
    taught = TaughtModel(trunk, [teach("colours", examples, trunk).head])
    state = taught.new_state()
    picture = np.full((32, 32, 3), (20, 30, 200), np.uint8)
    first = taught.step(picture, state)
    for _ in range(6):
        taught.step(np.zeros((32, 32, 3), np.uint8), state)
    state.reset()
    np.testing.assert_array_equal(taught.step(picture, state), first)
