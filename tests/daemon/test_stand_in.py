"""The package's own model stands in where nothing was chosen and it knows all that is watched for; else it does not."""

import textwrap

import pytest
from coloured_scenes import write_scene

from movinet_edge.config import read_document
from movinet_edge.daemon.assembly import assemble
from movinet_edge.models import DownloadError

CONFIGURATION = """\
    state_dir: state
    {common}
    streams:
      - name: porch
        source: {{type: file, path: clip.mp4}}
        {stream}
        actions:
          moves: {{labels: {labels}}}
"""


@pytest.fixture
def assembled(tmp_path, unreachable):
    """Assembles a configuration on a machine that reaches no address."""
    write_scene(tmp_path / "clip.mp4", ("black", 1))

    def assemble_it(labels: str, common: str = "", stream: str = ""):
        file = tmp_path / "config.yaml"
        text = textwrap.dedent(CONFIGURATION).format(labels=labels, common=common, stream=stream)
        file.write_text("".join(line for line in text.splitlines(True) if line.strip()), encoding="utf-8")
        return assemble(read_document(file, environ={}), store=unreachable)

    return assemble_it


@pytest.mark.parametrize("labels", ["[fall]", "[Jumping Jacks, lie]", "['*down']"])
def test_stands_in_where_it_knows_what_is_watched_for(assembled, labels):
    assembly = assembled(labels)
    assert assembly.streams["porch"].pipeline.model.name == "builtin"


@pytest.mark.parametrize(
    "given",
    [
        {"labels": "[carving ice]"},
        {"labels": "[fall, 'playing *']"},
        {"labels": "[fall]", "common": "model: movinet-a0-int8"},
        {"labels": "[fall]", "common": "labels: kinetics-600"},
        {"labels": "[fall]", "common": "heads: [fall]"},
        {"labels": "[fall]", "stream": "model: movinet-a0-int8"},
    ],
)
def test_a_download_that_failed_stays_one_elsewhere(assembled, given):
    with pytest.raises(DownloadError, match="could not be downloaded"):
        assembled(**given)


def test_can_be_chosen(assembled):
    assembly = assembled("[fall]", common="model: builtin")
    assert assembly.streams["porch"].pipeline.model.name == "builtin"
