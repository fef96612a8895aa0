"""`events export`: one file with everything in it, clips beside it, and nothing that an event could smuggle in."""

import json
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from movinet_edge.api import EventType
from movinet_edge.delivery import Outbox
from movinet_edge.evidence import EvidenceStore, Quota
from movinet_edge.testing.sinks import example_event

NOON = datetime(2024, 5, 17, 12, 0, tzinfo=UTC)
EVIL = "\"><script>alert('1')</script>&{x}"


class Page(HTMLParser):
    """What a browser would make of the page: tags with their attributes, and the text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag, key):
        return [attributes.get(key) for name, attributes in self.tags if name == tag]


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def happened(state):
    """Stores a start and a stop, with evidence or without."""

    def _happened(minute, *, evidence=True, stop=True, **changes):
        at = NOON + timedelta(minutes=minute)
        common = {"id": f"id-{minute}", "number": minute, "started_at": at} | changes
        events = [example_event(EventType.START, **common)]
        if stop:
            events.append(example_event(EventType.STOP, ended_at=at + timedelta(seconds=3.6), **common))
        outbox = Outbox(state / "outbox.db")
        outbox.append(events)
        outbox.close()
        if evidence:
            store = EvidenceStore(state / "evidence", Quota(keep_free_bytes=0))
            store.put(events[0], "peak.jpg", jpeg())
            store.put(events[0], "clip.mp4", f"clip of {minute}".encode())
            store.put(events[0], "scores.json", curve())
        return events

    return _happened


def jpeg():
    return bytes(cv2.imencode(".jpg", np.full((480, 640, 3), 128, np.uint8))[1])


def curve(**changes):
    found = {"on": 0.5, "off": 0.3, "ended_s": 3.6, "times_s": [-1, 0, 1, 4], "scores": [0.1, 0.5, 0.9, 0.2]}
    return json.dumps(found | changes).encode()


@pytest.fixture
def export(cli, state, tmp_path):
    def _export(*arguments, out="report.html"):
        ran = cli("events", "export", "--state-dir", state, "--from", "2024-05-17T00:00Z", *arguments, "--out", out)
        assert (ran.code, ran.err) == (0, "")
        return Page((tmp_path / out).read_text(encoding="utf-8")), ran.out

    return _export


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")


def test_each_occurrence_is_there_once_with_its_evidence(happened, export, tmp_path):
    happened(0)
    happened(10, stream="garden", evidence=False)
    happened(20, stop=False)
    page, said = export()
    assert said == "report.html: 3 events, 2 of them with a clip\n"
    assert page.all("li", "id") == ["id-0", "id-10", "id-20"]
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.all("img", "src"))
    assert len(page.all("img", "src")) == 2
    assert len(page.all("polyline", "points")) == 2
    assert page.all("a", "href") == ["report-clips/id-0-clip.mp4", "report-clips/id-20-clip.mp4"]
    assert (tmp_path / "report-clips" / "id-0-clip.mp4").read_bytes() == b"clip of 0"
    assert "goes on" in page.text
    assert "3.6 s" in page.text


def test_nothing_is_loaded_and_nothing_runs(happened, export):
    happened(0)
    page, _ = export()
    assert {"script", "link", "iframe", "object"}.isdisjoint({tag for tag, _ in page.tags})
    (policy,) = [content for content in page.all("meta", "content") if content and "default-src" in content]
    assert policy.startswith("default-src 'none'; img-src data:")
    loaded = [value for _, found in page.tags for key, value in found.items() if key in ("src", "href", "xlink:href")]
    assert all(value.startswith(("data:", "report-clips/")) for value in loaded)


def test_whatever_an_event_says_is_text(happened, export):
    happened(0, action=EVIL, labels=(EVIL,))
    page, _ = export()
    assert not page.all("script", "src")
    assert EVIL in page.text
    assert all("alert" not in key for _, found in page.tags for key in found)


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        ([], ["id-0", "id-10", "id-20"]),
        (["--to", "2024-05-17T12:05Z"], ["id-0"]),
        (["--from", "2024-05-17T12:05Z", "--to", "2024-05-17T12:15Z"], ["id-10"]),
        (["--from", "2024-05-17T12:00:02Z"], ["id-0", "id-10", "id-20"]),  # it went on at that time
        (["--stream", "garden"], ["id-10"]),
        (["--stream", "nowhere"], []),
    ],
    ids=["all", "to", "from and to", "within an action", "stream", "no such stream"],
)
def test_a_period_and_a_stream_can_be_chosen(happened, export, arguments, ids):
    for minute in (0, 10, 20):
        happened(minute, stream="garden" if minute == 10 else "porch", evidence=False)
    page, _ = export(*arguments)
    assert page.all("li", "id") == ids
    assert ("Nothing happened" in page.text) == (not ids)


@pytest.mark.parametrize(("how", "start"), [("link", "/"), ("none", None)])
def test_clips_may_stay_where_they_are(happened, export, tmp_path, how, start):
    happened(0)
    page, _ = export("--clips", how)
    assert [link[0] for link in page.all("a", "href")] == ([] if start is None else [start])
    assert not (tmp_path / "report-clips").exists()


@pytest.mark.parametrize(
    "bad",
    [b"", b"{", b"[]", curve(times_s=[0]), curve(on="high"), curve(times_s=["<b>", 0, 1, 2]), b'{"on": null}'],
)
def test_damaged_evidence_costs_the_evidence_alone(happened, export, state, bad):
    (start, _) = happened(0)
    store = EvidenceStore(state / "evidence")
    store.path(start, "scores.json").write_bytes(bad)
    store.path(start, "peak.jpg").write_bytes(bad and b"no picture")
    page, _ = export()
    assert page.all("li", "id") == ["id-0"]
    assert page.all("polyline", "points") == page.all("img", "src") == []


def test_the_same_report_again_replaces_it(happened, export, tmp_path):
    happened(0)
    export()
    page, _ = export()
    assert len(page.all("li", "id")) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report-clips", "report.html", "state"]


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["events", "export", "--state-dir", "state", "--out", "no/report.html"], 78, "there is no folder .*no; make"),
        (
            ["events", "export", "--state-dir", "state", "--from", "1h", "--to", "2h", "--out", "x.html"],
            78,
            "not before",
        ),
        (["events", "export", "--state-dir", "state", "--out", "state"], 78, "that is a folder; .*state/report.html"),
        (["events", "export", "--state-dir", "nowhere", "--out", "x.html"], 78, "there is no store"),
        (["events", "export", "--state-dir", "state"], 64, "--out"),
        (["events", "export", "--from", "soon", "--out", "x.html"], 64, "'soon' is neither a time"),
        (["events", "--since", "1h", "export", "--state-dir", "state", "--out", "x.html"], 64, "options of its own"),
        (["events", "exprot"], 64, "exprot"),
    ],
)
def test_what_cannot_be_is_told(cli, happened, arguments, code, complaint):
    happened(0)
    ran = cli(*arguments)
    assert ran.code == code
    assert re.search(complaint, ran.err)


def test_a_stream_that_never_was_is_told_with_those_that_were(happened, export):
    happened(0)
    happened(10, stream="garden")
    _, said = export("--stream", "grden")
    assert said.splitlines()[1] == "No event of a stream 'grden' is stored at all; there are events of: garden, porch"
    _, said = export("--stream", "garden", "--to", "2024-05-17T12:05Z")
    assert said == "report.html: 0 events, 0 of them with a clip\n"


def test_what_cannot_be_written_leaves_nothing_behind(cli, happened, tmp_path):
    happened(0)
    (tmp_path / "x-clips").write_text("in the way")
    arguments = ("events", "export", "--state-dir", "state", "--from", "2024-05-17T00:00Z", "--out", "x.html")
    ran = cli(*arguments)
    assert (ran.code, "x-clips: File exists" in ran.err) == (1, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state", "x-clips"]


def test_a_long_curve_is_drawn_with_its_peak_and_few_points(happened, export, state):
    (start, _) = happened(0)
    times_s = list(range(4000))
    scores = [0.9 if time_s == 1234 else 0.1 + time_s % 2 / 100 for time_s in times_s]
    EvidenceStore(state / "evidence").path(start, "scores.json").write_bytes(curve(times_s=times_s, scores=scores))
    page, _ = export()
    (points,) = page.all("polyline", "points")
    drawn = [tuple(map(float, point.split(","))) for point in points.split()]
    assert 300 < len(drawn) <= 640
    assert drawn == sorted(drawn, key=lambda point: point[0])
    assert min(y for _, y in drawn) == 7.0  # a tenth of the height, from above


def test_the_store_may_be_named_before_the_word(cli, happened, state):
    happened(0)
    assert cli("events", "--state-dir", state, "export", "--out", "x.html").code == 0
