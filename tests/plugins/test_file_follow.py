"""The `file` source following a folder that a recorder puts its clips into."""

import itertools
import os
import threading
import time

import pytest
from clips import index_of, truncated, write_clip
from structlog.testing import capture_logs

from movinet_edge.api import FrameRequest, SourceRejected, SourceUnavailable
from movinet_edge.testing.sources import SourceContract
from movinet_edge_plugins._follow import Following
from movinet_edge_plugins._follow import follow as following_now
from movinet_edge_plugins.file import FileSource

# When the clips of these tests were finished, in seconds since 1970.
FINISHED_S = 1_700_000_000.0

PATIENCE_S = 20.0


@pytest.fixture
def nvr(tmp_path):
    """The folder that is followed."""
    nvr = tmp_path / "nvr"
    nvr.mkdir()
    return nvr


@pytest.fixture
def follow(tmp_path, nvr):
    """Makes sources that follow the folder with one list of what is done, and close at the end of the test."""
    sources = []

    def make(**settings):
        defaults = {"follow": nvr, "done_file": tmp_path / "done.sqlite", "settle": 0, "poll": 0.1}
        sources.append(FileSource(FileSource.Settings(**{**defaults, **settings})))
        return sources[-1]

    yield make
    for source in sources:
        source.close()


def put(path, *, finished_s=FINISHED_S, **clip):
    """Write a clip under another name and rename it, as if it had been finished then."""
    path.parent.mkdir(parents=True, exist_ok=True)
    outside = write_clip(path.with_name(f".unfinished{path.suffix}"), **clip)
    os.utime(outside, (finished_s, finished_s))
    return outside.rename(path)


def take(source, count, *, fps=None):
    """So many frames, and with the frame after them whatever follows the last one."""
    frames = source.frames(FrameRequest(fps))
    taken = list(itertools.islice(frames, count))
    frames.close()
    return taken


def take_all(source, *, fps=None):
    """All frames until nothing more is to be done: the source is closed by the first wait for more."""
    wait, source._closed.wait = source._closed.wait, lambda *_: source.close()
    try:
        return list(source.frames(FrameRequest(fps)))
    finally:
        source._closed.wait = wait


class TestContract(SourceContract):
    source_class = FileSource
    bad_settings = (
        ({"follow": "nvr", "path": "clip.mp4"}, "path"),
        ({"follow": "nvr", "loop": True}, "loop"),
        ({"follow": "nvr", "pace": "realtime"}, "pace"),
        ({"follow": "nvr", "concat": True}, "concat"),
        ({"follow": "nvr", "backlog": "some"}, "backlog"),
        ({"follow": "nvr", "poll": 0}, "poll"),
        ({"follow": "nvr", "settle": "soon"}, "settle"),
        ({"path": "clip.mp4", "settle": "1s"}, "settle"),
        ({"path": "clip.mp4", "poll": "1s"}, "poll"),
        ({"path": "clip.mp4", "backlog": "process"}, "backlog"),
        ({"path": "clip.mp4", "done_file": "done"}, "done_file"),
        ({"follow": 7}, "follow"),
    )

    @pytest.fixture(autouse=True)
    def _folder(self, nvr, tmp_path):
        put(nvr / "clip.mp4")
        self.lists = (tmp_path / f"done{index}.sqlite" for index in itertools.count())
        self.nvr = nvr

    def make_source(self):
        """Waits for more after its frames, for longer than anybody would."""
        settings = {"follow": self.nvr, "done_file": next(self.lists), "settle": 0, "poll": 600, "backlog": "process"}
        return FileSource(FileSource.Settings(**settings))

    make_waiting_source = make_source


def test_settings_without_follow_are_as_before():
    assert FileSource.Settings(path="clip.mp4").follow is None
    assert FileSource.Settings(follow="nvr").path is None


# What comes, and when


def test_each_clip_is_a_piece_of_its_own_with_its_own_times(nvr, follow):
    put(nvr / "2026-11-21" / "09" / "b.mp4", frames=3, finished_s=FINISHED_S + 100)
    put(nvr / "2026-11-21" / "08" / "c.mp4", frames=2)
    source = follow(backlog="process")
    frames = take_all(source)
    # Oldest first; behind each clip its last picture again, as a cut.
    assert [index_of(frame.image) for frame in frames] == [0, 1, 1, 0, 1, 2, 2]
    assert [round(frame.time_s, 3) for frame in frames] == [0.0, 0.1, 0.2, 0.2, 0.3, 0.4, 0.5]
    assert [frame.discontinuity for frame in frames] == [False, False, True, True, False, False, True]
    assert [round(frame.wall_time_s - FINISHED_S, 3) for frame in frames] == [-0.2, -0.1, 0, 99.7, 99.8, 99.9, 100]
    assert source.frames_read == 5
    assert not source.live


@pytest.mark.parametrize(
    ("name", "clip"),
    [
        ("a.mp4", {"options": {"bf": "2"}}),
        ("a.ts", {}),
        ("a.mkv", {}),
        ("a.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
        ("raw.h264", {"fps": 25, "frames": 50}),  # announces nothing
    ],
)
def test_a_clip_began_its_length_before_it_was_finished(nvr, follow, name, clip):
    put(nvr / name, **{"frames": 20, "fps": 10, **clip})
    first, *_ = take(follow(backlog="process"), 1)
    assert first.wall_time_s == pytest.approx(FINISHED_S - 2.0, abs=0.11)


def test_a_clip_that_does_not_announce_its_length_is_measured(nvr, follow):
    clip = put(nvr / "a.mkv", frames=20)
    data = bytearray(clip.read_bytes())
    position = data.index(b"\x44\x89\x88")  # the element Duration, 8 bytes long, becomes one of padding
    data[position : position + 3] = b"\xec\x40\x08"
    clip.write_bytes(data)
    os.utime(clip, (FINISHED_S, FINISHED_S))
    first, *_ = take(follow(backlog="process"), 1)
    assert first.wall_time_s == pytest.approx(FINISHED_S - 2.0, abs=0.11)


def test_a_clip_that_comes_while_waiting(nvr, follow):
    source, frames = follow(), []
    reader = threading.Thread(target=lambda: frames.extend(source.frames(FrameRequest())), daemon=True)
    with capture_logs() as logs:
        reader.start()
        wait_until(lambda: logs)  # it has begun to follow
        put(nvr / "day" / "a.mp4", frames=3)
        wait_until(lambda: len(frames) == 4)
        source.close()
        reader.join(PATIENCE_S)
    assert not reader.is_alive()
    assert [index_of(frame.image) for frame in frames] == [0, 1, 2, 2]


def wait_until(condition):
    give_up_s = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < give_up_s:
        time.sleep(0.01)
    assert condition()


def test_a_clip_that_is_still_written_waits(nvr, follow):
    put(nvr / "a.mp4", frames=3)
    assert take_all(follow(backlog="process", settle=60)) == []
    assert len(take_all(follow(backlog="process"))) == 4


# The first start, and those after it


@pytest.mark.parametrize(("backlog", "indices"), [("skip", [0, 0]), ("process", [0, 1, 1, 0, 0])])
def test_what_is_there_at_the_first_start(nvr, follow, backlog, indices):
    put(nvr / "old.mp4", frames=2)
    source = follow(backlog=backlog)
    waited = []

    def wait(_):
        if waited:
            source.close()
        waited.append(put(nvr / "new.mp4", frames=1, finished_s=FINISHED_S + 9))

    source._closed.wait = wait
    assert [index_of(frame.image) for frame in source.frames(FrameRequest())] == indices


def test_the_backlog_is_that_of_the_very_first_start(nvr, follow):
    take_all(follow())
    put(nvr / "new.mp4", frames=1)  # while the daemon is down
    assert len(take_all(follow())) == 2


def test_each_clip_once_across_restarts(nvr, follow):
    put(nvr / "a.mp4", frames=2)
    assert len(take_all(follow(backlog="process"))) == 3
    assert take_all(follow(backlog="process")) == []
    put(nvr / "b.mp4", frames=1, finished_s=FINISHED_S + 1)
    (nvr / "a.mp4").rename(nvr / "archived.mp4")
    assert [index_of(frame.image) for frame in take_all(follow())] == [0, 0]


@pytest.mark.parametrize("frames_taken", [1, 2, 3, 4])
def test_a_clip_that_was_broken_off_comes_again_from_its_beginning(nvr, follow, frames_taken):
    put(nvr / "a.mp4", frames=3)
    take(follow(backlog="process"), frames_taken)
    assert [index_of(frame.image) for frame in take_all(follow())] == [0, 1, 2, 2]


def test_closed_within_a_clip_it_comes_again(nvr, follow):
    put(nvr / "a.mp4", frames=3)
    source = follow(backlog="process")
    for _ in source.frames(FrameRequest()):
        source.close()
    assert len(take_all(follow())) == 4


def test_a_folder_that_is_away_for_a_while_brings_nothing_twice(nvr, follow):
    put(nvr / "a.mp4", frames=2)
    take_all(follow(backlog="process"))
    away = nvr.rename(nvr.with_name("away"))
    with pytest.raises(SourceUnavailable, match=r"nvr: there is no such folder"):
        take_all(follow())
    nvr.mkdir()  # the place where a mount belongs
    assert take_all(follow()) == []
    nvr.rmdir()
    away.rename(nvr)
    put(nvr / "b.mp4", frames=1, finished_s=FINISHED_S + 1)
    assert [index_of(frame.image) for frame in take_all(follow())] == [0, 0]


def test_two_streams_may_follow_one_folder_each_with_its_own_list(nvr, follow, tmp_path):
    put(nvr / "a.mp4", frames=2)
    first = follow(backlog="process").frames(FrameRequest())
    next(first)
    with pytest.raises(SourceUnavailable, match=r"another stream .* `done_file:` of its own"):
        take_all(follow())
    assert len(take_all(follow(backlog="process", done_file=tmp_path / "other.sqlite"))) == 3
    first.close()
    assert len(take_all(follow())) == 3


def test_without_a_name_the_list_is_kept_with_the_state(nvr, follow, tmp_path, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    take_all(follow(done_file=None))
    assert [path.parent.name for path in tmp_path.glob("state/**/nvr-*.sqlite")] == ["done"]
    assert not [*nvr.iterdir()]


# What is wrong


def test_a_bad_clip_is_reported_once_and_the_rest_goes_on(nvr, follow):
    truncated(put(nvr / "a.mp4"), 0.5)
    (nvr / "b.mp4").write_bytes(b"no video at all" * 100)
    put(nvr / "c.mp4", frames=2, finished_s=time.time() + 60)
    with capture_logs() as logs:
        assert len(take_all(follow(backlog="process"))) == 3
        assert take_all(follow()) == []
    faults = [entry for entry in logs if entry["log_level"] == "warning"]
    assert [entry["path"] for entry in faults] == [str(nvr / "a.mp4"), str(nvr / "b.mp4")]


def test_a_clip_that_is_deleted_before_its_turn_is_passed_over(nvr, follow):
    put(nvr / "a.mp4", frames=1)
    put(nvr / "b.mp4", frames=1, finished_s=FINISHED_S + 1)
    with capture_logs() as logs:
        for _ in (source := follow(backlog="process")).frames(FrameRequest()):
            (nvr / "b.mp4").unlink(missing_ok=True)
            source._closed.wait = lambda *_: source.close()
    assert not [entry for entry in logs if entry["log_level"] == "warning"]


def test_a_clip_that_grows_while_it_is_read_comes_again(nvr, follow):
    clip = put(nvr / "a.ts", frames=20)
    whole = write_clip(nvr.parent / "whole.ts", frames=30).read_bytes()
    (source := follow(backlog="process"))._closed.wait = lambda *_: source.close()
    with capture_logs() as logs:
        for frame in source.frames(FrameRequest()):
            if frame.discontinuity:
                clip.write_bytes(whole)
    warnings = [entry["event"] for entry in logs if entry["log_level"] == "warning"]
    assert warnings == ["recording grew while it was read and will come again; raise `settle:`"]
    assert len(take_all(follow())) == 30 + 1


def test_a_list_that_cannot_be_written_for_a_while_does_not_stop_the_stream(nvr, follow, tmp_path):
    for index in range(2):
        put(nvr / f"{index}.mp4", frames=1, finished_s=FINISHED_S + index)
    following = Following(nvr, (".mp4",), 0.0, 0.1, skip_backlog=False, done_file=tmp_path / "done.sqlite")
    with following_now(following, threading.Event()) as follower, capture_logs() as logs:
        recordings = iter(follower)
        connection = follower._done_list._connection
        first = next(recordings)
        connection.execute("PRAGMA query_only = ON")
        follower.done(first)
        assert [entry["event"] for entry in logs[1:]] == ["recording will come again after a restart"]
        connection.execute("PRAGMA query_only = OFF")
        follower.done(next(recordings))
    assert take_all(follow()) == []  # the first one was remembered with the second


def test_a_misspelt_folder_gets_the_nearest(nvr, follow):
    with pytest.raises(SourceUnavailable, match=r"nrv: there is no such folder; did you mean nvr\?"):
        take_all(follow(follow=nvr.with_name("nrv")))


def test_a_file_is_no_folder(nvr, follow):
    with pytest.raises(SourceRejected, match=r"a\.mp4: is not a folder; a single file is named with `path:`"):
        take_all(follow(follow=put(nvr / "a.mp4")))
