"""Files, fragments, environment and credentials: which one stands, and where each value is said to come from."""

import os
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr, ValidationError, field_validator

from movinet_edge.api import PluginSettings
from movinet_edge.config import ConfigurationProblems, load, problems_from, read_document, validate

HUNTER = "hunter2"

CONFIG = """\
    threads: 2
    log: {level: info}
    streams:
      - name: porch
        source: {type: file, path: clip.mp4}
        actions:
          Waving: {labels: [waving hand]}
    sinks:
    """


def test_fragments_merge_sections_and_append_lists(write):
    file = write(CONFIG)
    write("log: {format: json}\nsinks:\n  - {type: log}\n", "conf.d/20-more.yaml")
    write("threads: 3\nlog: {level: debug}\nsinks:\n  - {type: jsonl}\nstreams:\n", "conf.d/10-first.yaml")
    write("threads: 9", "conf.d/ignored.yml")
    write("threads: 9", "conf.d/.hidden.yaml")
    configuration = load(file, environ={})
    assert configuration.threads == 3
    assert (configuration.log.level, configuration.log.format) == ("debug", "json")
    assert [sink.type for sink in configuration.sinks] == ["jsonl", "log"]
    assert [stream.name for stream in configuration.streams] == ["porch"]


def test_every_value_knows_its_file_line_and_column(write, tmp_path):
    file = write(CONFIG)
    fragment = write("streams:\n  - source: {type: file}\n    name: porch\n    fps: no\n", "conf.d/a.yaml")
    document = read_document(file, environ={"MOVINET_EDGE__THREADS": "4"})
    assert document.locate(("log", "level")) == (str(file), 2, 7)
    assert document.locate(("streams", 0, "actions", "Waving", "labels", 0)) == (str(file), 7, 25)
    assert document.locate(("streams", 1, "fps")) == (str(fragment), 4, 5)
    assert document.locate(("streams", 1, "not there")) == (str(fragment), 2, 5)
    assert document.locate(("threads",)) == ("environment variable MOVINET_EDGE__THREADS", None, None)
    configuration, problems = validate(document)
    assert configuration is None
    assert [(problem.file, problem.line, problem.key_path) for problem in problems] == [
        (str(fragment), 2, "streams[1]"),
        (str(fragment), 3, "streams[1].name"),
        (str(fragment), 4, "streams[1].fps"),
    ]


def test_bad_fragments_are_all_told(write, tmp_path):
    file = write("a: 1\na: 2\n")
    write("b:\n\tc: 1\n", "conf.d/b.yaml")
    (tmp_path / "conf.d" / "c.yaml").mkdir()
    with pytest.raises(ConfigurationProblems) as caught:
        read_document(file, environ={})
    assert [Path(problem.file).name for problem in caught.value.problems] == ["config.yaml", "b.yaml", "c.yaml"]


def test_a_fragments_folder_that_is_none_is_told(write):
    write("a: 1", "conf.d")
    with pytest.raises(ConfigurationProblems, match=r"conf\.d: cannot be read as a folder"):
        read_document(write(CONFIG), environ={})


def test_the_environment_stands_above_the_files(loaded):
    environ = {
        "MOVINET_EDGE__THREADS": "4",
        "movinet_edge__log__level": "debug",
        "MOVINET_EDGE__STREAMS__0__SOURCE__PATH": "other.mp4",
        "MOVINET_EDGE__STREAMS__0__ACTIONS__WAVING__ON": "0.7",
        "MOVINET_EDGE__STREAMS__0__ACTIONS__YOGA__LABELS": "[yoga, 'playing *']",
        "MOVINET_EDGE__STREAMS__1": "{name: gym, source: {type: file}, all_labels: true}",
        "MOVINET_EDGE__SINKS__0__TYPE": "log",
        "MOVINET_EDGE__OUTBOX__MAX_AGE": "2d",
        "MOVINET_EDGE_MODEL_PATH": "/not/a/setting",
    }
    configuration = loaded(CONFIG, environ)
    porch, gym = configuration.streams
    assert (configuration.threads, configuration.log.level) == (4, "debug")
    assert porch.source.options == {"path": "other.mp4"}
    assert porch.actions["Waving"].on == 0.7
    assert porch.actions["Waving"].labels == ("waving hand",)
    assert porch.actions["yoga"].labels == ("yoga", "playing *")
    assert gym.all_labels is not None
    assert [sink.name for sink in configuration.sinks] == ["log"]
    assert configuration.outbox.max_age_s == 2 * 86_400


def test_the_tenth_list_entry_comes_after_the_second(loaded):
    environ = {f"MOVINET_EDGE__SINKS__{n}": f"{{type: log, name: s{n}}}" for n in (10, 2, 1, 0, 9, 3, 4, 5, 6, 7, 8)}
    assert [sink.name for sink in loaded(CONFIG, environ).sinks] == [f"s{n}" for n in range(11)]


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("MOVINET_EDGE__THREADS", "two", "threads: 'two' is not a whole number"),
        (
            "MOVINET_EDGE__RETRIES",
            "2",
            (
                "retries: unknown key; known here: control, evidence, fast, heads, labels, log, model, outbox, "
                "plugin_dirs, runtime, sinks, state_dir, streams, threads, web"
            ),
        ),
        ("MOVINET_EDGE__LOGG__LEVEL", "info", "logg: unknown key"),
        ("MOVINET_EDGE__STREAMS__2__NAME", "x", "streams: has no position 2; the next new one is 1"),
        (
            "MOVINET_EDGE__STREAMS__PORCH__FPS",
            "2",
            ("streams: is a list, so a position such as 0 is needed in the name, not 'PORCH'"),
        ),
        ("MOVINET_EDGE__THREADS__X", "1", "threads: is a single value, so there is no 'X' in it"),
        ("MOVINET_EDGE__", "1", "names no setting; write for example MOVINET_EDGE__LOG__LEVEL"),
        (
            "MOVINET_EDGE__STREAMS__0__ROI",
            "[0, 0, 2, 1]",
            (
                "streams[0].roi: [0.0, 0.0, 2.0, 1.0] reaches outside the "
                "picture; x, y, width and height are fractions of it, so x + width and y + height are at most 1"
            ),
        ),
    ],
)
def test_a_bad_override_names_its_variable(complaints, name, text, complaint):
    (found,) = complaints(CONFIG.replace("log: {level: info}", ""), {name: text})
    assert found.startswith(f"environment variable {name}: {complaint}")


class MailSettings(PluginSettings):
    """What a sink with a password may look like."""

    host: str
    port: int = 25
    password: SecretStr | None = None
    url: str = ""

    @field_validator("password")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value and len(value.get_secret_value()) < 20:
            raise ValueError(f"{value.get_secret_value()!r} is too short")
        return value

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        raise ValueError(f"cannot use {value}")


def complain(document, model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    options = {key: value for key, value in document.node(path).plain().items() if key != "type"}
    with pytest.raises(ValidationError) as caught:
        model.model_validate(options)
    return [str(problem) for problem in problems_from(caught.value, document, path, model=model)]


def test_a_credential_stands_above_all_and_is_never_shown(write, tmp_path):
    write("hunter2\n", "credentials/movinet_edge__sinks__0__password")
    write("not ours", "credentials/other-service")
    environ = {
        "CREDENTIALS_DIRECTORY": str(tmp_path / "credentials"),
        "MOVINET_EDGE__SINKS__0__PASSWORD": "from the environment",
    }
    document = read_document(
        write("sinks:\n  - {type: mail, prt: 1, url: 'x hunter2', port: hunter2}"), environ=environ
    )
    assert document.tree["sinks"][0]["password"] == HUNTER
    assert "hunter2" not in repr(document)
    found = complain(document, MailSettings, ("sinks", 0))
    file = tmp_path / "config.yaml"
    assert sorted(found) == [
        f"{file}:2: sinks[0].host: is missing",
        f"{file}:2: sinks[0].port: '***' is not a whole number",
        f"{file}:2: sinks[0].prt: unknown key; known here: host, password, port, url",
        f"{file}:2: sinks[0].url: cannot use x ***",
        "credential movinet_edge__sinks__0__password: sinks[0].password: '***' is too short",
    ]


def test_secrets_in_files_and_addresses_are_not_shown(write):
    text = "sinks:\n- type: mail\n  host: x\n  password: abc\n  url: rtsp://me:word@camera/1\n"
    found = complain(read_document(write(text), environ={}), MailSettings, ("sinks", 0))
    assert [line.partition("sinks[0].")[2] for line in found] == [
        "password: '***' is too short",
        "url: cannot use rtsp://***@camera/1",
    ]


def test_options_of_plugins_are_not_in_a_repr(loaded):
    configuration = loaded(CONFIG, {"MOVINET_EDGE__STREAMS__0__SOURCE__PASSWORD": "hunter2"})
    assert "hunter2" not in repr(configuration)
    assert configuration.streams[0].source.options["password"] == HUNTER


@pytest.mark.parametrize("bad", ["not UTF-8", "folder"])
def test_a_credential_that_cannot_be_read_is_told(write, tmp_path, bad):
    file = tmp_path / "credentials" / "movinet_edge__model"
    file.parent.mkdir()
    if bad == "folder":
        file.mkdir()
    else:
        file.write_bytes(b"\xff")
    with pytest.raises(ConfigurationProblems, match=r"credential movinet_edge__model: (is not UTF-8|cannot be read)"):
        read_document(write(CONFIG), environ={"CREDENTIALS_DIRECTORY": str(file.parent)})


def test_a_value_that_fits_none_of_several_types_is_one_problem(write):
    class Either(BaseModel):
        size: int | list[int]

    document = read_document(write("source:\n  size: wide\n"), environ={})
    (line,) = complain(document, Either, ("source",))
    assert line.endswith(":2: source.size: 'wide' is not a whole number; or: 'wide' is not a list such as [one, two]")


def test_relative_paths_begin_at_the_files_folder(loaded, tmp_path):
    text = """\
        model: models/a.tflite
        labels: kinetics-600
        state_dir: state
        plugin_dirs: [plugins, /opt/plugins, ~nobody-here/plugins]
        streams:
          - {name: a, source: {type: file}, all_labels: true}
          - {name: b, source: {type: file}, all_labels: true, labels: ./b.txt}
          - {name: c, source: {type: file}, all_labels: true, model: movinet-a1-int8}
        """
    configuration = loaded(text)
    assert configuration.state_dir == tmp_path / "state"
    assert configuration.plugin_dirs == (tmp_path / "plugins", Path("/opt/plugins"), tmp_path / "~nobody-here/plugins")
    model = str(tmp_path / "models/a.tflite")
    assert [configuration.model_for(stream) for stream in configuration.streams] == [
        (model, "kinetics-600"),
        (model, str(tmp_path / "b.txt")),
        ("movinet-a1-int8", None),
    ]


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"STATE_DIRECTORY": "/var/lib/one:/var/lib/two", "HOME": "/home/me"}, "/var/lib/one"),
        ({"XDG_STATE_HOME": "/state", "HOME": "/home/me"}, "/state/movinet-edge"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/home/me"}, "/home/me/.local/state/movinet-edge"),
        ({"STATE_DIRECTORY": "/var/lib/one", "MOVINET_EDGE__STATE_DIR": "/mine"}, "/mine"),
        ({}, "/var/lib/movinet-edge"),
    ],
)
def test_the_folder_for_state(loaded, environ, folder):
    assert loaded(CONFIG, environ).state_dir == Path(folder)


def test_pydantic_settings_adds_nothing_of_its_own(loaded, monkeypatch):
    monkeypatch.setenv("THREADS", "7")
    monkeypatch.setitem(os.environ, "MODEL", "another")
    configuration = loaded(CONFIG)
    assert (configuration.threads, configuration.model) == (2, "movinet-a0-int8")
