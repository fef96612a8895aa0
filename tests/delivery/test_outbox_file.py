"""The outbox's file: private, migrated, corrupt, on a full disk, in an impossible place."""

import sqlite3
from contextlib import closing

import pytest
from structlog.testing import capture_logs
from trial import seqs, starts
from trouble import file_size_limit

from movinet_edge.api import EventType
from movinet_edge.delivery import Outbox, OutboxTooNew, OutboxUnavailable
from movinet_edge.delivery.database import SCHEMA_VERSION

START = EventType.START


class TestFile:
    def test_is_private(self, make, path):
        make("a").append(starts(1))
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {
            "outbox.db": 0o600,
            "outbox.db-shm": 0o600,
            "outbox.db-wal": 0o600,
        }

    def test_waits_for_the_disk_with_events_but_not_with_acknowledgements(self, make):
        outbox = make("a")
        modes = [c.execute("PRAGMA synchronous").fetchone()[0] for c in (outbox._durable, outbox._quick)]
        assert modes == [2, 1]  # FULL, NORMAL
        assert outbox._durable.execute("PRAGMA journal_mode").fetchone()[0] == "wal"

    def test_of_a_newer_version_is_refused_and_kept(self, make, path):
        make("a").append(starts(1))
        make().close()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
        before = path.read_bytes()
        for attempt in (Outbox, Outbox.open_readonly):
            with pytest.raises(
                OutboxTooNew, match=f"schema {SCHEMA_VERSION + 1}, this one knows up to {SCHEMA_VERSION}"
            ):
                attempt(path)
        assert path.read_bytes() == before

    @pytest.mark.parametrize("damage", ["no database", "cut in half", "overwritten in the middle"])
    def test_that_is_corrupt_is_set_aside(self, make, path, damage):
        outbox = make("a")
        outbox.append(starts(50))
        outbox.close()
        whole = path.read_bytes()
        broken = {
            "no database": b"not a database at all" * 500,
            "cut in half": whole[: len(whole) // 2],
            "overwritten in the middle": whole[:8192] + b"\xa5" * 4096 + whole[12288:],
        }[damage]
        path.write_bytes(broken)
        with capture_logs() as logs:
            outbox = make("a")
        assert [(log["log_level"], log["path"]) for log in logs] == [("error", str(path))]
        assert path.with_name("outbox.db.corrupt").read_bytes() == broken
        assert outbox.corruptions == 1
        assert seqs(outbox.append(starts(1))) == [1]
        outbox = make("a")
        assert (outbox.corruptions, outbox.pending("a")) == (0, 1)

    def test_that_is_empty_is_a_new_one(self, make, path):
        path.parent.mkdir()
        path.touch()
        assert make("a").corruptions == 0

    @pytest.mark.parametrize("table", ["events", "open_occurrences"])
    def test_with_one_rotten_event_goes_on_with_the_next(self, make, table):
        outbox = make("a", "b")
        outbox.append(starts(3))
        outbox.acknowledge("b", 2)
        outbox._durable.execute(f"UPDATE {table} SET body = x'7bff00' WHERE seq = 2")  # noqa: S608
        outbox = make("a", "b")
        with capture_logs() as logs:
            offered = []
            while events := outbox.peek("a", 2):
                offered += seqs(events)
                outbox.acknowledge("a", events[-1].seq)
            recovered = [stop.id[-1] for stop in outbox.recover()]
            found = [event.id[-1] for event in outbox.query(event_type=START)]
        if table == "events":
            assert (offered, recovered, found) == ([1, 3], ["1", "2", "3"], ["1", "3"])
            assert (outbox.dropped("a"), outbox.dropped("b")) == (1, 0)
        else:
            assert (offered, recovered, found) == ([1, 2, 3], ["1", "3"], ["1", "2", "3"])
        assert logs
        assert outbox.recover() == []

    def test_in_an_impossible_place_says_where_and_why(self, tmp_path):
        (tmp_path / "file").touch()
        for place, reason in [(tmp_path / "file" / "outbox.db", "Not a directory"), (tmp_path, "Is a directory")]:
            with pytest.raises(OutboxUnavailable) as caught:
                Outbox(place)
            assert str(place) in str(caught.value)
            assert reason in str(caught.value) or "unable to open database file" in str(caught.value)


class TestFullDisk:
    def test_a_failed_append_stores_nothing_and_the_next_succeeds(self, make, path):
        outbox = make("a")
        stored = outbox.append(starts(2))
        size_bytes = path.with_name("outbox.db-wal").stat().st_size
        for _ in range(3):
            with file_size_limit(size_bytes), pytest.raises(OutboxUnavailable, match=r"cannot store.*outbox\.db"):
                outbox.append(starts(2))
        assert outbox.peek("a", 9) == stored
        assert seqs(outbox.append(starts(1))) == [3]
        assert seqs(make("a").query()) == [1, 2, 3]

    def test_an_acknowledgement_is_kept_in_memory_until_it_can_be_written(self, make, path):
        outbox = make("a", "b")
        outbox.append(starts(3))
        with file_size_limit(path.with_name("outbox.db-wal").stat().st_size):
            assert outbox.acknowledge("a", 2)
            assert seqs(outbox.peek("a", 9)) == [3]
        outbox.append(starts(1))
        with closing(sqlite3.connect(path)) as other:
            assert other.execute("SELECT acknowledged FROM cursors WHERE sink = 'a'").fetchone() == (2,)

    def test_a_read_only_file_refuses_but_still_reads(self, make):
        outbox = make("a")
        outbox.append(starts(1))
        outbox._durable.execute("PRAGMA query_only = 1")  # root may write anywhere, so SQLite itself has to refuse
        with pytest.raises(OutboxUnavailable, match="readonly"):
            outbox.append(starts(1))
        assert seqs(outbox.peek("a", 9)) == [1]
