"""A reload while the package's own model stands in: it goes on, and is never taken for the one it stands in for."""

import shutil

import pytest
from coloured_scenes import write_scene
from structlog.testing import capture_logs

from movinet_edge.config import read_document
from movinet_edge.daemon.assembly import assemble
from movinet_edge.models import DownloadError

CONFIGURATION = """\
{common}
streams:
  - name: porch
    source: {{type: file, path: clip.mp4}}
    actions: {{moves: {{labels: [{label}]}}}}
"""
IN_BOTH, IN_THE_600 = "push up", "carving ice"


@pytest.fixture
def assembled(tmp_path, unreachable):
    """Assembles a configuration, after another one if given, on a machine that reaches no address."""
    write_scene(tmp_path / "clip.mp4", ("black", 1))

    def assemble_it(label=IN_BOTH, *, common="", after=None):
        file = tmp_path / "config.yaml"
        file.write_text(CONFIGURATION.format(common=common, label=label), encoding="utf-8")
        return assemble(read_document(file, environ={}), store=unreachable, loaded=after and after.models)

    return assemble_it


@pytest.fixture
def brought(a0_int8, tmp_path):
    """Puts the official model where it is looked for."""

    def bring():
        (tmp_path / "cache").mkdir(exist_ok=True)
        shutil.copy(a0_int8, tmp_path / "cache" / "movinet-a0-int8.tflite")

    return bring


def model_of(assembly):
    return assembly.models_of["porch"]


def test_it_goes_on_and_the_network_is_not_asked_again(assembled):
    before = assembled()
    with capture_logs() as logs:
        after = assembled("jumping jacks", after=before)
    assert model_of(after) is model_of(before)
    assert model_of(after).name == "builtin"
    assert logs == []


@pytest.mark.parametrize("change", [{"common": "model: movinet-a0-int8"}, {"label": IN_THE_600}])
def test_what_it_may_not_stand_in_for_is_fetched(assembled, change):
    before = assembled()
    with pytest.raises(DownloadError):
        assembled(**change, after=before)


def test_it_gives_way_to_the_model_that_has_come(assembled, brought):
    before = assembled()
    brought()
    assert model_of(assembled(after=before)).name == "movinet-a0-int8"


def test_the_model_that_was_there_goes_on_whatever_is_watched_for(assembled, brought):
    brought()
    first = assembled()
    second = assembled(IN_THE_600, after=first)
    third = assembled(common="model: movinet-a0-int8", after=second)
    fourth = assembled(after=third)
    assert model_of(first).name == "movinet-a0-int8"
    assert model_of(first) is model_of(second) is model_of(third) is model_of(fourth)
