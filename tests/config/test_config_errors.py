"""Every mistake gives file, line, key path, reason and, where there is one, the nearest valid key (failure case 64)."""

import pytest

VALID = """\
threads: 1
log: {level: info}
outbox: {max_events: 10}
streams:
  - name: porch
    source: {type: file, path: clip.mp4}
    smoothing: {type: ema}
    actions:
      waving:
        labels: [waving hand]
        on: 0.5
sinks:
  - {type: log}
"""


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        # a misspelt key at each level
        ("threads: 1", "treads: 1", "1: treads: unknown key; did you mean 'threads'?"),
        ("level: info", "levl: info", "2: log.levl: unknown key; did you mean 'level'?"),
        ("max_events", "max_event", "3: outbox.max_event: unknown key; did you mean 'max_events'?"),
        ("    smoothing", "    smothing", "7: streams[0].smothing: unknown key; did you mean 'smoothing'?"),
        (
            "{type: ema}",
            "{type: ema, halflife: 1s}",
            "7: streams[0].smoothing.halflife: unknown key; did you mean 'half_life'?",
        ),
        (
            "{type: ema}",
            "{type: mean, half_life: 1s}",
            "7: streams[0].smoothing.half_life: unknown key; known here: over, type",
        ),
        ("        on:", "        onn:", "11: streams[0].actions.waving.onn: unknown key; did you mean 'on'?"),
        ("threads: 1", "_env_file: 1", "1: _env_file: unknown key"),
        # wrong types and values
        ("threads: 1", "threads: two", "1: threads: 'two' is not a whole number"),
        ("threads: 1", "threads: true", "1: threads: true is not a number"),
        ("threads: 1", "threads: 0", "1: threads: 0 is not at least 1"),
        ("{level: info}", "loud", "2: log: 'loud' is not a section of keys (key: value)"),
        (
            "level: info",
            "level: inf",
            "2: log.level: 'inf' is not one of 'debug', 'info', 'warning' or 'error'; did you mean 'info'?",
        ),
        ("name: porch", "name: 5", "5: streams[0].name: 5 is not text (put it in quotes)"),
        (
            "name: porch",
            "name: front door",
            (
                "5: streams[0].name: 'front door' cannot be a name; use 1 to 64 of a-z, A-Z, 0-9, - and _, and begin "
                "with a letter or a digit"
            ),
        ),
        ("- name: porch", "- fps: 5", "5: streams[0].name: is missing"),
        ("type: file, ", "", "6: streams[0].source.type: is missing"),
        (
            "{type: ema}",
            "{type: emaa}",
            "7: streams[0].smoothing.type: 'emaa' is not one of 'ema', 'mean', 'median', 'none'; did you mean 'ema'?",
        ),
        ("{type: ema}", "{half_life: 1s}", "7: streams[0].smoothing.type: is missing"),
        (
            "{type: ema}",
            "{type: ema, half_life: 5 parsecs}",
            (
                "7: streams[0].smoothing.half_life: '5 parsecs' is not a duration; write for example 400ms, 5s, 2m, 1h "
                "or 1m30s"
            ),
        ),
        (
            "    smoothing: {type: ema}",
            "    fps: fast",
            "7: streams[0].fps: 'fast' is neither a number of frames per second nor 'native' (every frame)",
        ),
        ("    smoothing: {type: ema}", "    fps: 0", "7: streams[0].fps: 0 is not more than 0"),
        ("    smoothing: {type: ema}", "    fps: .inf", "7: streams[0].fps: inf is not a finite number"),
        ("    smoothing: {type: ema}", "    window: 2.5", "7: streams[0].window: 2.5 is not a whole number"),
        (
            "    smoothing: {type: ema}",
            "    roi: [0, 0, 1]",
            (
                "7: streams[0].roi: must be four fractions [x, y, width, height] of the picture, for example "
                "[0.25, 0, 0.5, 1]"
            ),
        ),
        (
            "    smoothing: {type: ema}",
            "    roi: [0.5, 0, 0.7, 1]",
            (
                "7: streams[0].roi: [0.5, 0.0, 0.7, 1.0] reaches outside the picture; x, y, width and height are "
                "fractions of it, so x + width and y + height are at most 1"
            ),
        ),
        ("    smoothing: {type: ema}", "    roi: [0, a, 1, 1]", "7: streams[0].roi[1]: 'a' is not a number"),
        (
            "labels: [waving hand]",
            "labels: []",
            "10: streams[0].actions.waving.labels: has too few entries; at least 1 needed",
        ),
        ("labels: [waving hand]", "labels: ['']", "10: streams[0].actions.waving.labels[0]: is empty"),
        (
            "labels: [waving hand]",
            "labels: waving hand",
            "10: streams[0].actions.waving.labels: 'waving hand' is not a list such as [one, two]",
        ),
        ("        labels: [waving hand]\n", "", "9: streams[0].actions.waving.labels: is missing"),
        ("on: 0.5", "on: 1.5", "11: streams[0].actions.waving.on: 1.5 is not at most 1"),
        ("on: 0.5", "on: true", "11: streams[0].actions.waving.on: true is not a number"),
        (
            "on: 0.5",
            "off: 0.6",
            (
                "11: streams[0].actions.waving.off: off (0.6) is above on (0.5); an action stops at a lower score than "
                "it starts at"
            ),
        ),
        ("on: 0.5", "update_every: 0s", "11: streams[0].actions.waving.update_every: '0s' is not more than 0"),
        ("- {type: log}", "- log", "13: sinks[0]: 'log' is not a section of keys (key: value)"),
        ("- {type: log}", "-", "13: sinks[0]: an empty value is not a section of keys (key: value)"),
    ],
)
def test_one_mistake_gives_one_exact_complaint(complaints, old, new, complaint):
    assert VALID.count(old) == 1
    assert complaints(VALID.replace(old, new)) == [f"config.yaml:{complaint}"]


def test_the_text_that_the_mistakes_are_made_in_is_valid(loaded):
    assert loaded(VALID).streams[0].name == "porch"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "config.yaml: streams: is missing"),
        ("threads: 1\n", "config.yaml: streams: is missing"),
        ("streams: []\n", "config.yaml:1: streams: has too few entries; at least 1 needed"),
        ("streams:\n", "config.yaml:1: streams: is missing"),
        (
            "streams:\n  - {name: a, source: {type: file}}\n",
            (
                "config.yaml:2: streams[0]: nothing to watch for; add actions (or all_labels: true for every label of "
                "the model)"
            ),
        ),
        (
            "streams:\n- name: a\n  source: {type: file}\n  actions: {x: {labels: [yoga]}}\n  all_labels: true\n",
            "config.yaml:5: streams[0].all_labels: all_labels and actions exclude each other; remove one of them",
        ),
        (
            "streams:\n- name: a\n  source: {type: file}\n  all_labels: sure\n",
            "config.yaml:4: streams[0].all_labels: 'sure' is neither true, false nor thresholds such as {on: 0.6}",
        ),
        (
            "streams:\n- name: a\n  source: {type: file}\n  all_labels: {cooldwn: 3s}\n",
            "config.yaml:4: streams[0].all_labels.cooldwn: unknown key; did you mean 'cooldown'?",
        ),
        (
            'streams:\n- name: a\n  source: {type: file}\n  actions:\n    " ": {labels: [yoga]}\n',
            (
                "config.yaml:5: streams[0].actions[' ']: ' ' cannot be the name of an action; use 1 to 64 printable "
                "characters without spaces around them"
            ),
        ),
    ],
)
def test_what_is_missing_or_excluded(complaints, text, complaint):
    assert complaints(text) == [complaint]


def test_names_that_differ_in_case_alone_are_repeated_names(complaints):
    text = """\
        streams:
          - {name: porch, source: {type: file}, all_labels: true}
          - {name: Porch, source: {type: file}, all_labels: true}
        """
    assert complaints(text) == [
        (
            "config.yaml:3: streams[1].name: the name 'Porch' belongs to streams[0] (line 2 of config.yaml) already; "
            "give each a `name:` of its own"
        )
    ]


def test_two_sinks_of_one_type_need_names(complaints, loaded):
    text = "streams: [{name: a, source: {type: file}, all_labels: true}]\nsinks:\n- {type: jsonl}\n- {type: jsonl%s}\n"
    assert complaints(text % "") == [
        (
            "config.yaml:4: sinks[1].name: the name 'jsonl' belongs to sinks[0] (line 3 of config.yaml) already; "
            "give each a `name:` of its own"
        )
    ]
    assert [sink.name for sink in loaded(text % ", name: second").sinks] == ["jsonl", "second"]


def test_all_mistakes_are_told_at_once_in_reading_order(complaints):
    text = """\
        treads: 1
        streams:
          - nam: porch
            source: file
            actions: {waving: {labels: [waving hand], on: 2, of: 1}}
          - {name: gym, source: {type: file}, all_labels: true}
          - {name: gym, source: {type: file}, all_labels: true, fps: fast}
        sinks: log
        """
    found = [line.split(": ")[0] + " " + line.split(": ")[1] for line in complaints(text)]
    assert found == [
        "config.yaml:1 treads",
        "config.yaml:3 streams[0].name",
        "config.yaml:3 streams[0].nam",
        "config.yaml:4 streams[0].source",
        "config.yaml:5 streams[0].actions.waving.on",
        "config.yaml:5 streams[0].actions.waving.of",
        "config.yaml:7 streams[2].name",
        "config.yaml:7 streams[2].fps",
        "config.yaml:8 sinks",
    ]
