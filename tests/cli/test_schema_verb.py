"""`schema`: what is published fits what is really written and read."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from commands import in_pipes

CONFIG = Path(__file__).resolve().parents[2] / "config"


@pytest.fixture
def schema_of(cli):
    """A schema, checked to be one."""

    def _schema_of(what):
        ran = cli("schema", what)
        assert (ran.code, ran.err) == (0, "")
        schema = json.loads(ran.out)
        assert schema["$schema"].startswith("https://json-schema.org/")
        jsonschema.Draft202012Validator.check_schema(schema)
        return jsonschema.Draft202012Validator(schema)

    return _schema_of


def test_lines_of_classify_are_events(cli, schema_of, toy, red_clip):
    ran = cli("classify", red_clip, "--model", toy, "--format", "jsonl")
    for line in ran.of_type("start", "stop"):
        added = {"type": line.pop("type"), "t": line.pop("t")}
        assert set(added) == {"type", "t"}
        schema_of("event").validate(line)


def test_lines_of_the_jsonl_sink_are_events(schema_of, toy, red_clip, folder):
    (folder / "config.yaml").write_text(
        f"model: {toy}\nstate_dir: state\n"
        f"streams: [{{name: hall, source: {{type: file, path: {red_clip}}}, all_labels: {{update_every: 1s}}}}]\n"
        "sinks: [{type: jsonl, path: events.jsonl}]\n"
    )
    assert in_pipes("run", "--config", "config.yaml").code == 0
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {event["event_type"] for event in events} == {"start", "update", "stop"}
    for event in events:
        schema_of("event").validate(event)


@pytest.mark.parametrize("change", [{"score": 1.5}, {"reason": "boredom"}, {"schema": 2}, {"colour": "red"}], ids=str)
def test_what_is_no_event_is_refused(cli, schema_of, toy, red_clip, change):
    line = cli("classify", red_clip, "--model", toy, "--format", "jsonl").of_type("stop")[0]
    del line["type"], line["t"]
    assert not schema_of("event").is_valid(line | change)


@pytest.mark.parametrize("name", ["minimal", "porch", "all-options"])
def test_the_examples_are_configurations(schema_of, name):
    # YAML 1.1 reads `on` and `off` as booleans, editors and this project do not.
    loader = type("Loader", (yaml.SafeLoader,), {"yaml_implicit_resolvers": {}})
    loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool" or first in "tTfF"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    text = (CONFIG / f"{name}.yaml").read_text(encoding="utf-8")
    schema_of("config").validate(yaml.load(text, Loader=loader))  # noqa: S506 (a safe loader)


@pytest.mark.parametrize("wrong", [{}, {"streams": []}, {"streams": [{"name": "a"}]}, {"colour": "red"}], ids=str)
def test_what_is_no_configuration_is_refused(schema_of, wrong):
    assert not schema_of("config").is_valid(wrong)
