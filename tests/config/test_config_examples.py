"""The examples in config/ load, say what the settings say, and fit the published JSON Schema."""

import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from movinet_edge.config import Configuration, EmaSmoothing, json_schema, load, load_actions, read_document
from movinet_edge.config.tree import Node
from movinet_edge.models import bundled_labels, catalogue

FOLDER = Path(__file__).resolve().parents[2] / "config"
CONFIGURATIONS = sorted(set(FOLDER.glob("*.yaml")) - {FOLDER / "actions-example.yaml"})


def test_the_examples_are_there():
    assert {file.name for file in CONFIGURATIONS} >= {"minimal.yaml", "porch.yaml", "all-options.yaml"}


@pytest.mark.parametrize("file", CONFIGURATIONS, ids=lambda file: file.name)
def test_an_example_loads(file):
    assert load(file, environ={}).streams


@pytest.mark.parametrize("file", CONFIGURATIONS, ids=lambda file: file.name)
def test_an_example_fits_the_schema(file):
    jsonschema.Draft202012Validator(json_schema()).validate(read_document(file, environ={}).tree)


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.name)
def test_the_readme_names_every_example(file):
    assert f"`{file.name}`" in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_actions_of_the_example_load():
    assert list(load_actions(FOLDER / "actions-example.yaml")) == ["jumping jacks", "push up", "music"]


def test_the_labels_of_the_examples_exist(shared):
    kinetics = (shared / "models" / "kinetics600_labels.txt").read_text(encoding="utf-8").splitlines()
    watched = [(kinetics, action) for action in load_actions(FOLDER / "actions-example.yaml").values()]
    for file in CONFIGURATIONS:
        configuration = load(file, environ={})
        card = catalogue()[configuration.model]
        known = kinetics if card.labels == "kinetics-600" else bundled_labels(card.labels)
        watched += [(known, action) for stream in configuration.streams for action in stream.actions.values()]
    for known, action in watched:
        for label in action.labels:
            pattern = re.compile(re.escape(label).replace(r"\*", ".*"))
            assert any(pattern.fullmatch(name) for name in known), label


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    """Every settings model that an annotation leads to."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        if issubclass(annotation, BaseModel):
            yield annotation
            for field in annotation.model_fields.values():
                yield from _models(field.annotation)
        return
    for part in typing.get_args(annotation):
        yield from _models(part)


def test_all_options_holds_every_field_of_the_settings_tree():
    root = read_document(FOLDER / "all-options.yaml", environ={}).root
    written = {key for key, _ in _entries(root)}
    fields = {
        (field.alias or name, model.__name__)
        for model in _models(Configuration)
        for name, field in model.model_fields.items()
    }
    assert {"half_life", "cooldown", "max_events"} <= {key for key, _ in fields}
    assert sorted(key for key in fields if key[0] not in written) == []


def _entries(node: Node) -> Iterator[tuple[str, Node]]:
    if isinstance(node.value, dict):
        for key, child in node.value.items():
            yield key, child
            yield from _entries(child)
    elif isinstance(node.value, list):
        for child in node.value:
            yield from _entries(child)


def test_what_all_options_calls_a_default_is_one(tmp_path):
    everything = load(FOLDER / "all-options.yaml", environ={})
    least = tmp_path / "config.yaml"
    least.write_text(
        "streams: [{name: porch, source: {type: file, path: clip.mp4}, actions: {waving: {labels: [waving hand]}}}]"
    )
    by_default = load(least, environ={})
    examples = {"state_dir", "streams", "sinks"}
    assert everything.model_dump(exclude=examples) == by_default.model_dump(exclude=examples)
    assert everything.streams[0] == by_default.streams[0]
    assert everything.streams[0].smoothing == EmaSmoothing(type="ema")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[waving hand]", "waving hand"),
        ("actions:", "action:"),
        ("name: porch", "name: front door"),
        ("labels: [waving hand]", "labels: [waving hand], cooldown: soon"),
        ("labels: [waving hand]", "labels: [waving hand], on: 1.5"),
        ("type: file, ", ""),
        ("    source:", "    fps: fast\n    source:"),
        ("    source:", "    smoothing: {type: mean, half_life: 1s}\n    source:"),
    ],
)
def test_the_schema_finds_what_an_editor_should_underline(old, new):
    text = (FOLDER / "minimal.yaml").read_text(encoding="utf-8")
    assert old in text
    wrong = yaml.safe_load(text.replace(old, new))
    assert not jsonschema.Draft202012Validator(json_schema()).is_valid(wrong)


@pytest.mark.parametrize("value", [True, False, {"on": 0.6}, None])
def test_the_schema_knows_the_forms_of_all_labels(value):
    stream = {"name": "a", "source": {"type": "file"}, "all_labels": value, "fps": "native", "roi": [0, 0, 1, 1]}
    jsonschema.Draft202012Validator(json_schema()).validate({"streams": [stream]})
