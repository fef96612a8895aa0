"""Which events a sink wants, as it is written: defaults, mistakes, and filters that would let nothing through."""

import pytest

from movinet_edge.api import EventType

CONFIG = """\
streams:
  - {name: porch, source: {type: file}, actions: {waving: {labels: [waving hand]}, 'a [b]': {labels: [yoga]}}}
  - {name: garden-1, source: {type: file}, actions: {digging: {labels: [digging]}}}
sinks:
  - {type: log, only: %s}
"""
ALL_LABELS = CONFIG.replace("actions: {digging: {labels: [digging]}}", "all_labels: true")


def only(loaded, text, config=CONFIG):
    return loaded(config % text).sinks[0].only


def test_by_default_everything(loaded):
    by_default = loaded(CONFIG.replace(", only: %s", "")).sinks[0].only
    assert (by_default.streams, by_default.actions, by_default.min_score) == (("*",), ("*",), 0.0)
    assert by_default.event_types == tuple(EventType)
    assert only(loaded, "{}") == by_default


def test_belongs_to_the_sink_and_not_to_its_plugin(loaded):
    sink = loaded(CONFIG % "{min_score: 0.6}, level: info").sinks[0]
    assert sink.options == {"level": "info"}
    assert sink.only.min_score == 0.6


@pytest.mark.parametrize(
    "text",
    [
        "{streams: [porch]}",
        "{streams: ['*']}",
        "{streams: ['garden-*', porch], actions: [waving, 'dig*']}",
        "{actions: ['a [b]']}",
        "{actions: ['a [[]b]']}",
        "{event_types: [start], min_score: 1}",
    ],
)
def test_what_fits_something_is_right(loaded, text):
    only(loaded, text)


def test_actions_that_only_the_model_knows_are_not_judged(loaded, complaints):
    assert only(loaded, "{actions: [yoga]}", ALL_LABELS).actions == ("yoga",)
    assert only(loaded, "{streams: ['garden-*'], actions: [yoga]}", ALL_LABELS).actions == ("yoga",)
    assert complaints(ALL_LABELS % "{streams: [porch], actions: [yoga]}") == [
        "config.yaml:5: sinks[0].only.actions[0]: 'yoga' fits no action; there are: a [b], waving"
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{streams: [porhc]}", "only.streams[0]: 'porhc' fits no stream; did you mean 'porch'?"),
        ("{streams: [Porch]}", "only.streams[0]: 'Porch' fits no stream; did you mean 'porch'?"),
        ("{streams: [porch, attic]}", "only.streams[1]: 'attic' fits no stream; there are: garden-1, porch"),
        ("{streams: ['yard-*']}", "only.streams[0]: 'yard-*' fits no stream; there are: garden-1, porch"),
        ("{actions: [wavin]}", "only.actions[0]: 'wavin' fits no action; did you mean 'waving'?"),
        (
            "{streams: [porch], actions: [digging]}",
            "only.actions[0]: 'digging' fits no action; there are: a [b], waving",
        ),
        ("{event_types: [begin]}", "only.event_types[0]: 'begin' is not one of 'start', 'update' or 'stop'"),
        (
            "{event_types: [stopp]}",
            "only.event_types[0]: 'stopp' is not one of 'start', 'update' or 'stop'; did you mean 'stop'?",
        ),
        ("{min_score: 60}", "only.min_score: 60 is not at most 1"),
        ("{min_score: true}", "only.min_score: true is not a number"),
        ("{streams: porch}", "only.streams: 'porch' is not a list such as [one, two]"),
        ("{streams: []}", "only.streams: has too few entries; at least 1 needed"),
        ("{stream: [porch]}", "only.stream: unknown key; did you mean 'streams'?"),
        ("porch", "only: 'porch' is not a section of keys (key: value)"),
    ],
)
def test_one_mistake_gives_one_exact_complaint(complaints, text, complaint):
    assert complaints(CONFIG % text) == [f"config.yaml:5: sinks[0].{complaint}"]


def test_a_filter_in_vain_is_told_together_with_other_mistakes(complaints):
    text = (CONFIG % "{streams: [porhc], actions: [wavin]}").replace("name: garden-1,", "name: garden-1, fsp: 3,")
    assert [line.split(": ")[1] for line in complaints(text)] == ["streams[1].fsp", "sinks[0].only.streams[0]"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: garden-1", "nam: garden-1"),
        ("name: garden-1", "name: 7"),
        ("{name: garden-1, source: {type: file}, actions: {digging: {labels: [digging]}}}", "garden"),
    ],
)
def test_while_a_name_is_not_known_no_filter_is_in_vain(complaints, old, new):
    assert not [line for line in complaints((CONFIG % "{streams: [garden-1]}").replace(old, new)) if "only" in line]


def test_an_override_reaches_it_and_is_named(complaints, loaded):
    name = "MOVINET_EDGE__SINKS__0__ONLY__STREAMS"
    assert loaded(CONFIG % "{}", {name: "[porch]"}).sinks[0].only.streams == ("porch",)
    (line,) = complaints(CONFIG % "{}", {name: "[attic]"})
    assert name in line
    assert "'attic' fits no stream" in line
