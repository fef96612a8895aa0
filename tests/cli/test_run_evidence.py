"""The daemon as a process keeps what shows its events: what is said of it beforehand, what lies there afterwards."""

import json
import textwrap
from pathlib import Path

import av
import pytest
from commands import in_pipes

from movinet_edge.delivery import EventHistory
from movinet_edge.evidence import EvidenceStore

CONFIG = """\
    model: {toy}
    state_dir: state
    streams:
      - name: hall
        source: {{type: file, path: {clip}}}
        evidence: clip
        {more}
        actions:
          reddening: {{labels: [turning red]}}
    sinks:
      - {{type: jsonl, path: events.jsonl}}
"""
LEFT = "mask: [[[0, 0], [0.1, 0], [0.1, 1], [0, 1]]]"


@pytest.fixture
def configured(folder, toy, red_clip):
    def _configured(more=""):
        path = folder / "config.yaml"
        path.write_text(textwrap.dedent(CONFIG.format(toy=toy, clip=red_clip, more=more)), encoding="utf-8")
        return path

    return _configured


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", "keeps snapshots and clips of actions; the clips are made of the video"),
        (LEFT, "the clips are made of pictures, since the camera's own video would show what is masked"),
    ],
    ids=["video", "masked"],
)
def test_check_says_what_is_kept_and_of_what_clips_are_made(cli, configured, folder, more, said):
    ran = cli("check", "--config", configured(more))
    assert (ran.code, ran.err) == (0, "")
    assert said in ran.out.splitlines()[2]
    assert [path.name for path in folder.iterdir()] == ["config.yaml"]


def test_what_the_events_name_is_there_when_the_daemon_has_stopped(configured, folder):
    left_over = folder / "state" / "evidence" / "2024-01-01" / "hall" / "an-id-clip.mp4.part"
    orphan = left_over.with_name("an-id-peak.jpg")
    left_over.parent.mkdir(parents=True)
    left_over.write_bytes(b"half a clip")
    orphan.write_bytes(b"of no event")
    ran = in_pipes("run", "--config", configured())
    assert ran.code == 0
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    stop = next(event for event in events if event["event_type"] == "stop")
    assert stop["snapshot"].endswith(f"{stop['id']}-peak.jpg")
    with av.open(stop["clip"]) as clip:
        assert sum(1 for _ in clip.decode(video=0)) > 10
    store = EvidenceStore(folder / "state" / "evidence")
    assert [item.name for item in store.find(stop["id"])] == ["peak.jpg", "start.jpg", "clip.mp4", "scores.json"]
    assert not left_over.parent.exists()
    with EventHistory(folder / "state" / "outbox.db") as history:
        assert history.ids() == {event["id"] for event in events}


def test_a_stream_that_keeps_nothing_writes_nothing(configured, folder):
    path = configured()
    path.write_text(path.read_text().replace("evidence: clip", "evidence: none"))
    assert in_pipes("run", "--config", path).code == 0
    assert (folder / "events.jsonl").stat().st_size
    assert not Path(folder / "state" / "evidence").exists()
