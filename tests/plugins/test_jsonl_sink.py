"""Sink `jsonl`: its contract, rotation, torn lines, and real trouble with files."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import ValidationError
from trouble import file_size_limit

from movinet_edge.api import ActionEvent, DeliveryError
from movinet_edge.testing.sinks import SinkContract, example_event
from movinet_edge_plugins.jsonl import JsonlSettings, JsonlSink

LINE_BYTES = len(example_event(seq=1).to_json()) + 1


def read(path: Path) -> list[ActionEvent]:
    return [ActionEvent.from_json(line) for line in path.read_bytes().splitlines()]


def seqs(path: Path) -> list[int | None]:
    return [event.seq for event in read(path)]


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "events.jsonl"


@contextmanager
def opened(path: Path, **settings: object) -> Iterator[JsonlSink]:
    sink = JsonlSink(JsonlSettings(path=path, **settings))
    sink.open()
    try:
        yield sink
    finally:
        sink.close()


class TestJsonlSinkContract(SinkContract):
    sink_type = JsonlSink

    def settings(self):
        return {"path": str(self.folder / "new" / "folder" / "events.jsonl")}

    def check_accepted(self, events: Sequence[ActionEvent]):
        assert read(self.folder / "new" / "folder" / "events.jsonl") == list(events)


@pytest.mark.parametrize("bad", [{"max_bytes": 0}, {"keep": -1}, {"max_bytes": "big"}])
def test_bad_settings(bad, path):
    with pytest.raises(ValidationError) as caught:
        JsonlSettings(path=path, **bad)
    assert [error["loc"] for error in caught.value.errors()] == [tuple(bad)]


def test_new_file_is_private_and_an_existing_mode_stays(path):
    with opened(path):
        assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with opened(path) as sink:
        sink.deliver(example_event(seq=1))
    assert path.stat().st_mode & 0o777 == 0o640


def test_accepted_means_readable_at_once(path):
    with opened(path) as sink:
        for seq in (1, 2):
            sink.deliver(example_event(seq=seq))
            assert seqs(path)[-1] == seq


@pytest.mark.parametrize("fsync", [True, False])
@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        (0, {"": [7]}),
        (1, {"": [7], ".1": [5, 6]}),
        (2, {"": [7], ".1": [5, 6], ".2": [3, 4]}),
        (9, {"": [7], ".1": [5, 6], ".2": [3, 4], ".3": [1, 2]}),
    ],
)
def test_rotation(path, keep, expected, fsync):
    with opened(path, max_bytes=2 * LINE_BYTES, keep=keep, fsync=fsync) as sink:
        for seq in range(1, 8):
            sink.deliver(example_event(seq=seq))
    assert {p.name.removeprefix(path.name): seqs(p) for p in path.parent.iterdir()} == expected


def test_an_event_larger_than_a_file_is_accepted(path):
    with opened(path, max_bytes=1) as sink:
        sink.deliver(example_event(seq=1))
        sink.deliver(example_event(seq=2))
    assert (seqs(path), seqs(path.with_name("events.jsonl.1"))) == ([2], [1])


def test_rotation_loses_nothing_to_a_gap(path):
    """A crash between two renames leaves a missing number."""
    for n in (1, 3):
        path.with_name(f"events.jsonl.{n}").write_text(f"was {n}")
    with opened(path, max_bytes=1, keep=3) as sink:
        sink.deliver(example_event(seq=1))
        sink.deliver(example_event(seq=2))
    assert path.with_name("events.jsonl.2").read_text() == "was 1"
    assert path.with_name("events.jsonl.3").read_text() == "was 3"


@pytest.mark.parametrize("kept", [0, 1, 3])
@pytest.mark.parametrize(
    "torn",
    [
        b"{",
        example_event(seq=99).to_json().encode()[:-1],
        b'{"schema":\0\0\0\0',
        b"\0" * 5000,
        b'{"schema":"' + b"y" * 200_000,
    ],
    ids=["one byte", "all but the end", "zeros after data", "zeros", "very long"],
)
def test_torn_last_line_is_removed(path, kept, torn):
    whole = b"".join(example_event(seq=n).to_json().encode() + b"\n" for n in range(1, kept + 1))
    path.write_bytes(whole + torn)
    with opened(path) as sink:
        assert path.read_bytes() == whole
        sink.deliver(example_event(seq=50))
    assert seqs(path) == [*range(1, kept + 1), 50]


@pytest.mark.parametrize(
    "foreign", [b"\x89PNG\r\n\x1a\n\0\0IHDR", b"notes without an end", b'{"my": "settings"}', b"{" * (1024 * 1024 + 1)]
)
def test_a_foreign_file_is_not_touched(path, foreign):
    path.write_bytes(foreign)
    with pytest.raises(DeliveryError, match=r"events\.jsonl.*not an event"):
        JsonlSink(JsonlSettings(path=path)).open()
    assert path.read_bytes() == foreign


def test_a_file_that_was_moved_away_is_begun_anew(path):
    with opened(path) as sink:
        sink.deliver(example_event(seq=1))
        path.rename(path.with_name("taken"))
        sink.deliver(example_event(seq=2))
        path.unlink()
        sink.deliver(example_event(seq=3))
    assert (seqs(path.with_name("taken")), seqs(path)) == ([1], [3])


def directory(path: Path) -> Path:
    path.mkdir()
    return path


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def below_a_file(path: Path) -> Path:
    path.write_text("a file\n")
    return path / "events.jsonl"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (directory, "Is a directory"),
        (pipe, "not a regular file"),
        (below_a_file, "Not a directory"),
        (lambda _: Path("/proc/no/events.jsonl"), "No such file"),
    ],
)
def test_a_place_that_cannot_work_is_named_with_the_reason(path, make, reason):
    place = make(path)
    sink = JsonlSink(JsonlSettings(path=place))
    for attempt in (sink.open, lambda: sink.deliver(example_event(seq=1))):
        with pytest.raises(DeliveryError, match=reason) as caught:
            attempt()
        assert str(place) in str(caught.value)
    sink.close()


def test_full_disk_leaves_no_half_line_and_the_next_try_succeeds(path):
    with opened(path) as sink:
        sink.deliver(example_event(seq=1))
        for _ in range(2):
            with file_size_limit(LINE_BYTES + LINE_BYTES // 2), pytest.raises(DeliveryError, match=r"events\.jsonl"):
                sink.deliver(example_event(seq=2))
            assert seqs(path) == [1]
        sink.deliver(example_event(seq=2))
    assert seqs(path) == [1, 2]


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_no_descriptor_is_left_open(path):
    before = open_descriptors()
    with opened(path, max_bytes=1) as sink:
        for seq in range(1, 5):
            sink.deliver(example_event(seq=seq))
    path.write_bytes(b"foreign")
    with pytest.raises(DeliveryError):
        sink.open()
    assert open_descriptors() == before
