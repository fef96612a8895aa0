"""What a followed folder is made of, on real files: which have come to rest, and which are remembered as done."""

import os
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from movinet_edge.api import SourceRejected, SourceUnavailable
from movinet_edge_plugins._done_list import DoneList, default_done_file
from movinet_edge_plugins._folder import Folder

SETTLE_S = 5.0
A_MINUTE_S = 60.0


@pytest.fixture
def root(tmp_path):
    """The folder that is followed."""
    root = tmp_path / "nvr"
    root.mkdir()
    return root


class Watch:
    """Looks at a folder with a clock of its own."""

    def __init__(self, root):
        self.folder = Folder(root, {".mp4"}, SETTLE_S)
        self.now_s = 1000.0

    def look(self, after_s=0.0):
        self.now_s += after_s
        return sorted(recording.name for recording in self.folder.look(self.now_s))


def write(path, data=b"video"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def unnoticed(root, change):
    """Do something that the folder's own time does not tell."""
    status = root.stat()
    change()
    os.utime(root, ns=(status.st_atime_ns, status.st_mtime_ns))


# What has come to rest


def test_a_file_comes_once_after_it_has_settled(root):
    write(root / "2026-11-21" / "08" / "a.mp4")
    watch = Watch(root)
    assert [watch.look(after_s) for after_s in (0, 2, 2, 2, 2, A_MINUTE_S, 1)] == [
        *([],) * 3,
        ["2026-11-21/08/a.mp4"],
        *([],) * 3,
    ]


def test_a_file_that_is_still_written_is_left_alone(root):
    clip, watch = root / "a.mp4", Watch(root)
    for size in range(1, 20):
        write(clip, b"x" * size)
        assert watch.look(2) == []
    assert [watch.look(2), watch.look(2), watch.look(2)] == [[], [], ["a.mp4"]]


def test_a_file_that_is_touched_is_being_written(root):
    clip, watch = write(root / "a.mp4"), Watch(root)
    for seconds in range(5):
        os.utime(clip, (seconds, seconds))
        assert watch.look(4) == []
    assert watch.look(5) == ["a.mp4"]


def test_a_file_appears_under_its_name_when_it_is_whole(root):
    write(root / "a.mp4.part")
    watch = Watch(root)
    assert [watch.look(), watch.look(100)] == [[], []]
    (root / "a.mp4.part").rename(root / "a.mp4")
    assert [watch.look(2), watch.look(5)] == [[], ["a.mp4"]]


def test_without_a_time_to_settle_it_comes_at_once(root):
    write(root / "a.mp4")
    assert [recording.name for recording in Folder(root, {".mp4"}, 0.0).look(0.0)] == ["a.mp4"]


def test_a_file_that_goes_on_growing_comes_again(root):
    watch = Watch(root)
    write(root / "a.mp4")
    assert [watch.look(), watch.look(5)] == [[], ["a.mp4"]]
    with (root / "a.mp4").open("ab") as file:
        file.write(b"more")
    assert [watch.look(A_MINUTE_S), watch.look(5)] == [[], ["a.mp4"]]


def test_what_is_no_recording_is_left_alone(root):
    for name in ("notes.txt", ".a.mp4", ".trash/a.mp4", "a.mp4.part", "mp4"):
        write(root / name)
    write(root / "empty.mp4", b"")
    os.mkfifo(root / "pipe.mp4")
    (root / "folder.mp4").mkdir()
    (root / "nowhere.mp4").symlink_to(root / "absent.mp4")
    (root / "circle").symlink_to(root)
    watch = Watch(root)
    assert [watch.look(after_s) for after_s in (0, 6, A_MINUTE_S, 6)] == [[], [], [], []]


def test_names_of_every_kind(root):
    names = ["A.MP4", "ü ß.mp4", os.fsdecode(b"\xff.mp4"), "[x]*.mp4", "link.mp4"]
    for name in names[:-1]:
        write(root / name)
    (root / "link.mp4").symlink_to(write(root.parent / "elsewhere.mp4"))
    watch = Watch(root)
    assert [watch.look(), watch.look(5)] == [[], sorted(names)]


def test_gone_is_gone_and_may_come_back(root):
    clip, watch = write(root / "day" / "a.mp4"), Watch(root)
    watch.look()
    clip.unlink()
    assert watch.look(6) == []
    assert not watch.folder.recordings
    write(clip)
    assert [watch.look(2), watch.look(5)] == [[], ["day/a.mp4"]]
    (root / "day").rename(root.parent / "day")
    assert watch.look(2) == []
    assert not watch.folder.recordings


def test_a_folder_that_has_not_changed_is_not_listed_again(root):
    watch = Watch(root)
    watch.look()
    watch.look(2)
    unnoticed(root, lambda: write(root / "a.mp4"))
    assert [watch.look(2), watch.look(6)] == [[], []]
    assert [watch.look(A_MINUTE_S), watch.look(5)] == [[], ["a.mp4"]]  # but not for longer than a minute


def test_two_changes_within_one_tick_of_the_file_system_are_seen(root):
    write(root / "a.mp4")
    watch = Watch(root)
    watch.look()
    unnoticed(root, lambda: write(root / "b.mp4"))  # just after the listing
    assert [watch.look(2), watch.look(5)] == [[], ["a.mp4", "b.mp4"]]


def test_a_folder_that_cannot_be_read_is_reported_once_and_the_rest_goes_on(root):
    write(root / "day" / "a.mp4")
    deep = os.open(root, os.O_RDONLY)
    for _ in range(20):  # deeper than a path may be long, which nothing but these steps can reach
        os.mkdir("x" * 250, dir_fd=deep)
        outer, deep = deep, os.open("x" * 250, os.O_RDONLY, dir_fd=deep)
        os.close(outer)
    os.close(deep)
    watch = Watch(root)
    with capture_logs() as logs:
        assert [watch.look(), watch.look(5), watch.look(A_MINUTE_S)] == [[], ["day/a.mp4"], []]
    assert [(entry["event"], entry["reason"]) for entry in logs] == [
        ("sub-folder cannot be read", "File name too long")
    ]
    assert not watch.folder.is_whole


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_is_in_a_folder_that_cannot_be_read_now_is_not_gone(root):
    write(root / "day" / "a.mp4")
    watch = Watch(root)
    assert [watch.look(), watch.look(5)] == [[], ["day/a.mp4"]]
    (root / "day").chmod(0)
    assert watch.look(A_MINUTE_S) == []
    assert not watch.folder.is_whole
    assert len(watch.folder.recordings) == 1
    (root / "day").chmod(0o755)
    assert watch.look(A_MINUTE_S) == []
    assert watch.folder.is_whole


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda root: root.rmdir(), FileNotFoundError),
        (lambda root: (root.rmdir(), root.write_text("a file")), NotADirectoryError),
    ],
)
def test_without_the_folder_there_is_an_error(root, spoil, error):
    watch = Watch(root)
    watch.look()
    spoil(root)
    with pytest.raises(error):
        watch.look(2)


# What is done


@pytest.fixture
def done_list(tmp_path):
    """A new list."""
    with DoneList(tmp_path / "state" / "done.sqlite") as done_list:
        yield done_list


def looked_at(root):
    """The folder after a look, and its recordings by name."""
    folder = Folder(root, {".mp4"}, SETTLE_S)
    folder.look(0.0)
    return folder, {recording.name: recording for recording in folder.recordings}


def again(done_list):
    """The same list after a restart."""
    done_list.close()
    return DoneList(done_list._path)


def test_what_is_done_is_remembered_across_restarts(root, done_list):
    names = ["a.mp4", "day/b.mp4", os.fsdecode(b"\xff.mp4")]
    for name in names:
        write(root / name)
    folder, recordings = looked_at(root)
    assert done_list.is_new
    done_list.add([recordings[name] for name in names[1:]], folder)
    assert not done_list.is_new
    with again(done_list) as after:
        assert not after.is_new
        assert [after.holds(recordings[name]) for name in names] == [False, True, True]


def test_a_list_without_entries_is_not_new(root, done_list):
    done_list.add([], looked_at(root)[0])
    with again(done_list) as after:
        assert not after.is_new


@pytest.mark.parametrize(
    ("change", "name", "known"),
    [
        (lambda root: (root / "a.mp4").rename(root / "b.mp4"), "b.mp4", True),
        (lambda root: ((root / "day").mkdir(), (root / "a.mp4").rename(root / "day" / "a.mp4")), "day/a.mp4", True),
        (lambda root: write(root / "a.mp4", b"another"), "a.mp4", False),
        (lambda root: os.utime(root / "a.mp4", (1, 1)), "a.mp4", False),
        (lambda root: write(root / "b.mp4"), "b.mp4", False),
        (lambda root: (root / "a.mp4").chmod(0o600), "a.mp4", True),
    ],
    ids=["renamed", "moved", "written over", "another time", "another file", "another mode"],
)
def test_a_recording_is_known_by_what_it_is(root, done_list, change, name, known):
    write(root / "a.mp4")
    folder, recordings = looked_at(root)
    done_list.add(recordings.values(), folder)
    change(root)
    assert done_list.holds(looked_at(root)[1][name]) is known


def test_an_inode_that_changes_with_a_mount_does_not_matter(root, done_list):
    write(root / "a.mp4")
    folder, recordings = looked_at(root)
    done_list.add(recordings.values(), folder)
    elsewhere = replace(recordings["a.mp4"], inode=2**64 - 1)  # larger than SQLite's integers
    assert done_list.holds(elsewhere)
    done_list.add([elsewhere], folder)


def rows(done_list):
    return [os.fsdecode(name) for (name,) in done_list._connection.execute("SELECT name FROM done ORDER BY name")]


def test_the_list_does_not_outgrow_the_folder(root, done_list):
    for day in range(30):
        write(root / "new.mp4", b"x" * (day + 1))
        (root / "new.mp4").rename(root / f"{day:02}.mp4")
        if day >= 3:
            (root / f"{day - 3:02}.mp4").unlink()
        folder, recordings = looked_at(root)
        done_list.add([recordings[f"{day:02}.mp4"]], folder)
    assert rows(done_list) == ["27.mp4", "28.mp4", "29.mp4"]


def test_one_name_that_is_used_again_and_again_is_one_entry(root, done_list):
    for size in range(1, 9):
        write(root / "a.mp4", b"x" * size)
        folder, recordings = looked_at(root)
        done_list.add(recordings.values(), folder)
    assert len(rows(done_list)) == 1


def test_what_was_renamed_is_not_forgotten_meanwhile(root, done_list):
    write(root / "a.mp4")
    folder, recordings = looked_at(root)
    done_list.add(recordings.values(), folder)
    (root / "a.mp4").rename(root / "c.mp4")
    write(root / "b.mp4", b"another")
    folder, recordings = looked_at(root)
    done_list.add([recordings["b.mp4"]], folder)
    assert done_list.holds(recordings["c.mp4"])


def test_nothing_is_forgotten_while_a_part_of_the_folder_is_hidden(root, done_list):
    write(root / "a.mp4")
    folder, recordings = looked_at(root)
    done_list.add(recordings.values(), folder)
    (root / "a.mp4").unlink()
    write(root / "b.mp4", b"another")
    folder, others = looked_at(root)
    folder._unreadable = frozenset({"day/"})
    done_list.add(others.values(), folder)
    assert done_list.holds(recordings["a.mp4"])


def test_two_readers_need_two_lists(done_list):
    with pytest.raises(SourceUnavailable, match=r"another stream keeps its list .* `done_file:` of its own"):
        DoneList(done_list._path)
    with again(done_list):
        pass


@pytest.mark.parametrize("content", [b"some other file, longer than the header of a database" * 10, b"short"])
def test_another_file_is_not_written_over(tmp_path, content):
    path = tmp_path / "done.sqlite"
    path.write_bytes(content)
    with pytest.raises(SourceRejected, match="no list of what is done"):
        DoneList(path)
    assert path.read_bytes() == content


def test_the_list_of_a_newer_version_is_refused(tmp_path):
    connection = sqlite3.connect(tmp_path / "done.sqlite")
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(SourceRejected, match="newer"):
        DoneList(tmp_path / "done.sqlite")


@pytest.mark.parametrize("name", ["file/done.sqlite", "folder"])
def test_a_place_that_cannot_be_written_is_named(tmp_path, name):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(SourceUnavailable, match=f"{name}: what is done cannot be remembered here"):
        DoneList(tmp_path / name)


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"STATE_DIRECTORY": "/var/lib/x:/b", "XDG_STATE_HOME": "/xdg", "HOME": "/home/a"}, "/var/lib/x"),
        ({"XDG_STATE_HOME": "/xdg", "HOME": "/home/a"}, "/xdg/movinet-edge"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/home/a"}, "/home/a/.local/state/movinet-edge"),
        ({}, "/var/lib/movinet-edge"),
    ],
)
def test_the_list_is_kept_with_the_state_by_default(environ, folder):
    path = default_done_file(Path("/srv/nvr/porch"), environ)
    assert path.parent == Path(folder, "done")
    assert path.name.startswith("porch-")
    assert path != default_done_file(Path("/srv/old/porch"), environ)
