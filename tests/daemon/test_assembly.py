"""From a configuration to the parts of a daemon: all problems at once, each at its line, and models loaded once."""

import shutil
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
import toy_model
from coloured_scenes import SPEC, write_scene
from pydantic import BaseModel

from movinet_edge.config import ConfigurationProblems, read_document
from movinet_edge.daemon.assembly import assemble
from movinet_edge.daemon.plugin_parts import resolve_paths
from movinet_edge.daemon.plugins import discover_plugins

RIGHT = """\
    model: toy.tflite
    state_dir: state
    streams:
      - name: porch
        source: {type: file, path: clip.mp4}
        actions:
          red: {labels: [red]}
    sinks:
      - {type: jsonl, path: events/events.jsonl}
"""

TUNER = """\
from pydantic import field_validator
from movinet_edge.api import PluginSettings

class Tuner:
    class Settings(PluginSettings):
        station: int = 1

        @field_validator("station")
        @classmethod
        def _known(cls, station):
            return {1: 1, 2: 2}[station]

    live = True
    frames_read = 0
    def __init__(self, settings): self.settings = settings
    def frames(self, request): return iter(())
    def close(self): pass

SOURCES = {"tuner": Tuner}
"""


@pytest.fixture
def folder(tmp_path, toy_path):
    """A folder with a model, a clip and a plugin file in it."""
    shutil.copy(toy_path, tmp_path / "toy.tflite")
    write_scene(tmp_path / "clip.mp4", ("black", 1))
    (tmp_path / "plugins").mkdir(mode=0o755)
    tuner = tmp_path / "plugins" / "tuner.py"
    tuner.write_text(TUNER, encoding="utf-8")
    tuner.chmod(0o644)
    return tmp_path


@pytest.fixture
def assembled(folder):
    def _assembled(text=RIGHT):
        file = folder / "config.yaml"
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return assemble(read_document(file, environ={}), pull=False)

    return _assembled


@pytest.fixture
def complaints(assembled, folder):
    """The lines of the error that a configuration gives, without the folder."""

    def _complaints(text):
        with pytest.raises(ConfigurationProblems) as caught:
            assembled(text)
        return str(caught.value).replace(f"{folder}/", "").splitlines()

    return _complaints


def model_of(assembly, stream):
    return assembly.streams[stream].pipeline.model


def test_a_right_configuration_gives_the_parts(assembled, folder):
    assembly = assembled()
    assert list(assembly.streams) == ["porch"]
    assert list(assembly.sinks) == ["jsonl"]
    assert assembly.outbox_path == folder / "state" / "outbox.db"
    assert not assembly.outbox_path.parent.exists(), "checking a configuration leaves nothing behind"
    assert model_of(assembly, "porch").path == folder / "toy.tflite"


def test_relative_paths_of_plugins_begin_at_the_configuration(assembled, folder, monkeypatch):
    monkeypatch.chdir("/")
    assembly = assembled()
    source = assembly.streams["porch"].make_source()
    assert len(list(source.frames(assembly.streams["porch"].pipeline.request))) == 5
    sink = assembly.sinks["jsonl"].make_sink()
    sink.open()
    sink.close()
    assert (folder / "events" / "events.jsonl").exists()


def test_every_part_is_made_anew_each_time(assembled):
    assembly = assembled()
    assert assembly.streams["porch"].make_source() is not assembly.streams["porch"].make_source()
    assert assembly.sinks["jsonl"].make_sink() is not assembly.sinks["jsonl"].make_sink()


def test_streams_share_a_model_that_is_loaded_once(assembled, folder):
    toy_model.write(replace(SPEC, seed=1), folder / "other.tflite")
    assembly = assembled("""\
        model: toy.tflite
        streams:
          - {name: a, source: {type: file, path: clip.mp4}, actions: {red: {labels: [red]}}}
          - {name: b, source: {type: file, path: clip.mp4}, actions: {blue: {labels: [blue]}}}
          - {name: c, source: {type: file, path: clip.mp4}, all_labels: true, model: other.tflite}
          - {name: d, source: {type: file, path: clip.mp4}, all_labels: true, model: toy.tflite}
    """)
    assert model_of(assembly, "a") is model_of(assembly, "b") is model_of(assembly, "d")
    assert model_of(assembly, "c") is not model_of(assembly, "a")
    assert model_of(assembly, "c").path.name == "other.tflite"


def sink_names():
    return sorted(name for kind, name in discover_plugins().found if kind == "sink")


def test_all_problems_are_told_at_once_each_at_its_line(complaints, folder):
    unknown_label = "action 'red': no label of the model matches 'redd'; did you mean 'red'?"
    assert complaints("""\
        model: toy.tflite
        streams:
          - name: porch
            source: {type: file, pth: clip.mp4}
            actions:
              red: {labels: [redd]}
              blue: {labels: [blue]}
          - name: yard
            source: {type: fil, path: clip.mp4}
            all_labels: true
          - name: gate
            source: {type: file, path: clip.mp4, pace: slow}
            model: absent.tflite
            all_labels: true
        sinks:
          - type: jsonl
            path: events.jsonl
            keep: -1
          - {type: pigeon}
    """) == [
        "config.yaml:4: streams[0].source.path: is missing",
        "config.yaml:4: streams[0].source.pth: unknown key; did you mean 'path'?",
        f"config.yaml:6: streams[0].actions.red.labels[0]: {unknown_label}",
        "config.yaml:9: streams[1].source.type: no source plugin is called 'fil'; did you mean 'file'?",
        "config.yaml:12: streams[2].source.pace: 'slow' is not one of 'fast' or 'realtime'",
        f"config.yaml:13: streams[2].model: there is no model file absent.tflite in {folder}; did you mean toy.tflite?",
        "config.yaml:18: sinks[0].keep: -1 is not at least 0",
        f"config.yaml:19: sinks[1].type: no sink plugin is called 'pigeon'; there are: {', '.join(sink_names())}",
    ]


def test_plugin_settings_are_judged_even_when_the_rest_is_wrong(complaints):
    """With the plugins of the user's own folders, which must not be called unknown."""
    assert complaints("""\
        model: toy.tflite
        plugin_dirs: [plugins]
        runtim: litert
        streams:
          - name: a
            source: {type: tuner, statoin: 1}
            all_labels: true
          - name: b
            source: {type: file}
            all_labels: true
    """) == [
        "config.yaml:3: runtim: unknown key; did you mean 'runtime'?",
        "config.yaml:6: streams[0].source.statoin: unknown key; did you mean 'station'?",
        "config.yaml:9: streams[1].source.path: is missing",
    ]


ONE = """\
        streams:
          - name: porch
            source: {type: file, path: clip.mp4}
            all_labels: true
"""


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "        model: movinet-a0-int" + "\n" + ONE,
            "config.yaml:1: model: no model is called 'movinet-a0-int'; did you",
        ),
        ("        model: ./config.yaml\n" + ONE, "config.yaml:1: model: config.yaml: not a TFLite model"),
        (
            "        model: toy.tflite\n        labels: absent.txt\n" + ONE,
            "config.yaml:1: model: absent.txt: cannot read",
        ),
        ("        model: toy.tflite\n        labels: kinetics-600\n" + ONE, "config.yaml:1: model: toy.tflite tells 4"),
        (
            "        model: toy.tflite\n        plugin_dirs: [x]\n" + ONE,
            "config.yaml:2: plugin_dirs[0]: x: cannot be read",
        ),
        (
            "        model: movinet-a0-int8\n" + ONE,
            "config.yaml:1: model: movinet-a0-int8 is not on this machine",
        ),
        (
            ONE.replace("all_labels: true", "actions: {a: {labels: [carving ice]}}"),
            "config.yaml: model: movinet-a0-int8 is not on this machine",
        ),
    ],
    ids=["unknown", "no model", "no labels", "other labels", "no folder", "not pulled", "not stood in for"],
)
def test_what_cannot_be_loaded_is_told_with_its_place(complaints, monkeypatch, tmp_path, text, complaint):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("MOVINET_EDGE_MODEL_PATH", raising=False)
    assert complaints(text)[0].startswith(complaint)


def test_a_model_that_two_streams_lack_is_told_once(complaints):
    text = """\
        model: absent.tflite
        streams:
          - {name: a, source: {type: file, path: clip.mp4}, all_labels: true}
          - {name: b, source: {type: file, path: clip.mp4}, all_labels: true}
    """
    assert len(complaints(text)) == 1


@pytest.mark.parametrize(
    ("watch", "path"),
    [
        ("actions: {red: {labels: [red], min_duration: 2s, max_duration: 1s}}", "actions.red"),
        ("all_labels: {min_duration: 2s, max_duration: 1s}", "all_labels"),
    ],
)
def test_thresholds_that_exclude_each_other_are_told(complaints, watch, path):
    (complaint,) = complaints(f"""\
        model: toy.tflite
        streams:
          - name: porch
            source: {{type: file, path: clip.mp4}}
            {watch}
    """)
    assert complaint.startswith(f"config.yaml:5: streams[0].{path}: ")
    assert "max_duration_s (1.0) must be longer than min_duration_s (2.0)" in complaint


def test_a_plugin_that_stumbles_over_its_settings_is_a_problem_and_no_crash(complaints):
    assert complaints("""\
        model: toy.tflite
        plugin_dirs: [plugins]
        streams:
          - name: radio
            source: {type: tuner, station: 9}
            all_labels: true
    """) == ["config.yaml:5: streams[0].source: the plugin cannot judge its settings: KeyError: 9"]


def test_a_plugin_in_a_folder_of_the_users_is_used(assembled):
    assembly = assembled("""\
        model: toy.tflite
        plugin_dirs: [plugins]
        streams:
          - {name: radio, source: {type: tuner, station: 2}, all_labels: true}
    """)
    assert assembly.streams["radio"].make_source().settings.station == 2


def test_a_plugin_folder_that_others_can_write_is_a_problem(complaints, folder):
    (folder / "plugins").chmod(0o777)
    (complaint, *_) = complaints("""\
        model: toy.tflite
        plugin_dirs: [plugins]
        streams:
          - {name: porch, source: {type: file, path: clip.mp4}, all_labels: true}
    """)
    assert complaint.startswith("config.yaml:2: plugin_dirs[0]: plugins: group or others can write it")


class Paths(BaseModel):
    one: Path
    several: list[Path] = []
    pair: tuple[Path, ...] = ()
    none: Path | None = None
    text: str = "clip.mp4"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("clip.mp4", "/etc/edge/clip.mp4"),
        ("../clip.mp4", "/etc/edge/../clip.mp4"),
        ("/clip.mp4", "/clip.mp4"),
        ("~/clip.mp4", f"{Path.home()}/clip.mp4"),
        ("~no-such-user/clip.mp4", "/etc/edge/~no-such-user/clip.mp4"),
        ("clips/*.mp4", "/etc/edge/clips/*.mp4"),
    ],
)
def test_relative_paths_begin_at_the_configurations_folder(written, meant):
    path = Path(written)
    found = resolve_paths(Paths(one=path, several=[path], pair=(path, path)), Path("/etc/edge"))
    assert found == Paths(one=Path(meant), several=[Path(meant)], pair=(Path(meant), Path(meant)))
