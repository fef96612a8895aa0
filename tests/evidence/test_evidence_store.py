"""The store: whole files or none, found by the event's id, bounded for days on end, and gone with their events."""

import stat
from datetime import UTC, datetime, timedelta

import pytest
from video_packets import NOON, event

from movinet_edge.daemon.stream_events import time_ordered_id
from movinet_edge.evidence import EvidenceRefused, EvidenceStore, Quota

ROOMY = Quota(max_age_s=3600.0, max_events=100, max_bytes=10**7, keep_free_bytes=0)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "evidence"


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def disk_bytes(folder):
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in folder.rglob("*") if path.is_file())


def test_what_is_stored_is_found_again(folder):
    store, one = EvidenceStore(folder, ROOMY), event()
    for part in ("start.jpg", "scores.json", "clip.mp4", "peak.jpg"):
        assert store.put(one, part, part.encode()) == store.path(one, part)
    assert store.path(one, "clip.mp4") == folder / "2026-11-21" / "porch" / f"{one.id}-clip.mp4"
    found = EvidenceStore(folder).find(one.id)
    assert [(item.kind, item.name, item.path.read_bytes()) for item in found] == [
        ("snapshot", "peak.jpg", b"peak.jpg"),
        ("snapshot", "start.jpg", b"start.jpg"),
        ("clip", "clip.mp4", b"clip.mp4"),
        ("scores", "scores.json", b"scores.json"),
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")} == {0o700, 0o600}


def test_an_id_that_is_not_of_our_making_is_found_too(folder):
    store, one = EvidenceStore(folder, ROOMY), event(id="porch-17")
    store.put(one, "peak.jpg", b"x")
    assert [item.name for item in store.find("porch-17")] == ["peak.jpg"]


@pytest.mark.parametrize("bad", ["", ".", "..", "../porch/x", "*", "a/b", "a\0b", "[a]", "x" * 200, "ä"])
def test_what_is_no_id_finds_nothing(folder, bad):
    store = EvidenceStore(folder, ROOMY)
    store.put(event(id="a"), "peak.jpg", b"x")
    assert store.find(bad) == []


def test_the_same_part_again_replaces_it(folder):
    store, one = EvidenceStore(folder, ROOMY), event()
    store.put(one, "peak.jpg", bytes(9000))
    store.put(one, "peak.jpg", b"new")
    assert store.find(one.id)[0].path.read_bytes() == b"new"
    assert store.size_bytes("porch") == disk_bytes(folder) == 4096


def test_a_new_process_knows_what_is_there(folder):
    first, one = EvidenceStore(folder, ROOMY), event()
    first.put(one, "peak.jpg", bytes(5000))
    first.put(one, "clip.mp4", bytes(5000))
    second = EvidenceStore(folder, ROOMY)
    assert second.size_bytes("porch") == first.size_bytes("porch") == 16384
    assert len(second) == 1


def test_what_a_power_cut_left_is_swept(folder):
    store, one = EvidenceStore(folder, ROOMY), event()
    day = store.put(one, "peak.jpg", b"x").parent
    (day / f"{one.id}-clip.mp4.part").write_bytes(b"half a clip")
    (day / f"{one.id}-scores.json").touch()  # the name arrived on the disk, what it holds did not
    (day / "notes.txt").write_text("somebody's")
    EvidenceStore(folder, ROOMY).sweep()
    assert sorted(path.name for path in day.iterdir()) == [f"{one.id}-peak.jpg", "notes.txt"]


def test_evidence_goes_with_its_event_but_never_before_it_can_be_stored(folder):
    store = EvidenceStore(folder, ROOMY)
    old, new = event(NOON), event(NOON + timedelta(days=1))
    store.put(old, "peak.jpg", b"x")
    assert store.sweep({old.id}) == 0
    store.put(new, "peak.jpg", b"x")
    assert store.sweep(set()) == 1  # of `new` nobody knows yet whether it will be stored
    assert files(folder) == [f"2026-11-22/porch/{new.id}-peak.jpg"]
    assert store.sweep(None) == 0
    assert store.sweep(set()) == 1
    assert list(folder.iterdir()) == []


def test_what_is_too_old_goes_although_its_event_is_there(folder):
    now_s = NOON.timestamp()
    store = EvidenceStore(folder, ROOMY, clock=lambda: now_s)
    one = event()
    store.put(one, "peak.jpg", b"x")
    now_s += 3599
    assert store.sweep({one.id}) == 0
    now_s += 2
    assert store.sweep({one.id}) == 1
    assert files(folder) == []


def test_without_room_nothing_is_written_and_the_reason_told(folder):
    store = EvidenceStore(folder, Quota(3600.0, 100, 10**7, keep_free_bytes=5_000_000), free_bytes=lambda _: 4_000_000)
    with pytest.raises(EvidenceRefused, match=r"4 MB are free on the disk of .*evidence, and 5 are to stay so"):
        store.put(event(), "clip.mp4", bytes(10_000))
    assert files(folder) == []


def test_a_folder_that_cannot_be_written_is_told(folder):
    folder.write_text("in the way")
    with pytest.raises(EvidenceRefused, match=r"evidence.*(File exists|Not a directory)"):
        EvidenceStore(folder, ROOMY).put(event(), "clip.mp4", b"x")


def test_a_disk_that_fills_up_gives_way_oldest_first(folder):
    disk_size = 200_000
    store = EvidenceStore(
        folder, Quota(10**9, 1000, 10**9, keep_free_bytes=50_000), free_bytes=lambda _: disk_size - disk_bytes(folder)
    )
    events = [event(NOON + timedelta(seconds=i), stream=("porch", "garden")[i % 2]) for i in range(50)]
    for one in events:
        store.put(one, "clip.mp4", bytes(10_000))
        assert disk_size - disk_bytes(folder) >= 50_000
    left = [one for one in events if store.find(one.id)]
    assert left == events[-len(left) :]
    assert len(left) == 12  # of 12,288 bytes each


def test_a_day_of_events_never_exceeds_200_mb(folder):
    """24 simulated hours of a busy camera and a calm one, with real files that are as small as may be."""
    scale = 100  # so many bytes of the quota and of the files stand for each one here, to be kind to the disk
    quota = Quota(7 * 86_400.0, 10_000, 200_000_000 // scale, keep_free_bytes=0)
    now_s = datetime(2026, 11, 21, tzinfo=UTC).timestamp()
    store = EvidenceStore(folder, quota, clock=lambda: now_s)
    most = 0
    for count in range(24 * 6):
        now_s += 600
        stream = "garden" if count % 6 == 0 else "porch"
        one = event(datetime.fromtimestamp(now_s, UTC), stream=stream, id=time_ordered_id(now_s))
        for part, size in (("peak.jpg", 50_000), ("clip.mp4", 4_000_000 + count * 20_000)):
            store.put(one, part, bytes(size // scale))
            most = max(most, store.size_bytes(stream))
            assert most <= quota.max_bytes
        if count % 6 == 0:
            store.sweep()
            assert store.size_bytes("porch") + store.size_bytes("garden") == disk_bytes(folder)
    # The bound is used, what is left is the newest, and the calm camera has lost nothing to the busy one.
    assert 0.95 * quota.max_bytes < most
    assert store.find(one.id)
    assert len(list(folder.glob("*/garden/*-clip.mp4"))) == 24
