"""The writer's thread: what waits for it is bounded, and one fault does not end it."""

import threading

import pytest
from coloured_scenes import PATIENCE_S

from movinet_edge.daemon.evidence_writer import EvidenceWriter
from movinet_edge.evidence import EvidenceStore, Quota
from movinet_edge.testing.sinks import example_event

MEGABYTE = 1024 * 1024


@pytest.fixture
def writer(tmp_path):
    return EvidenceWriter(EvidenceStore(tmp_path / "evidence", Quota(keep_free_bytes=0)), lambda: None)


def wait_for(writer):
    done = threading.Event()

    def make():
        done.set()
        return b"x"

    writer.put_later(example_event(id="last"), "clip.mp4", make)
    assert done.wait(PATIENCE_S)


def made_of(size_bytes):
    return {"make": lambda: b"x", "size_bytes": size_bytes}


def test_what_waits_in_memory_is_bounded(writer):
    with writer.running():
        wait_for(writer)
        go_on = threading.Event()
        writer.put_later(example_event(id="slow"), "clip.mp4", lambda: (go_on.wait(PATIENCE_S), b"x")[1])
        for index in range(6):
            writer.put_later(example_event(id=f"id-{index}"), "clip.mp4", **made_of(30 * MEGABYTE))
        go_on.set()
        wait_for(writer)
        writer.put_later(example_event(id="later"), "clip.mp4", **made_of(120 * MEGABYTE))
    stored = [index for index in range(6) if writer.store.find(f"id-{index}")]
    assert stored == [0, 1, 2, 3]
    assert writer.store.find("later")


def test_a_fault_in_one_costs_that_one(writer):
    def fail():
        raise RuntimeError("of a codec")

    with writer.running():
        writer.put_later(example_event(id="bad"), "clip.mp4", fail, size_bytes=100 * MEGABYTE)
        wait_for(writer)
        writer.put_later(example_event(id="good"), "clip.mp4", **made_of(100 * MEGABYTE))
    assert not writer.store.find("bad")
    assert writer.store.find("good")
    assert not any(thread.name == "evidence" for thread in threading.enumerate())
