"""Which recordings of a folder are done: a list on disk that outlives restarts, for one reader at a time."""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from movinet_edge.api import SourceRejected, SourceUnavailable
from movinet_edge_plugins._folder import Folder, Recording

# PRAGMA user_version: 0 until it is settled what of the first look counts as done.
_VERSION = 1

# `name` is a BLOB because file names are bytes, `inode` is TEXT because some do not fit into SQLite's integers.
_SCHEMA = """CREATE TABLE IF NOT EXISTS done (
    state TEXT NOT NULL, name BLOB NOT NULL, inode TEXT NOT NULL, PRIMARY KEY (state, name)
) WITHOUT ROWID"""


class DoneList:
    """The recordings that need not be looked at again; a context manager.

    A recording is known by its size and time together with its name or its inode. So a file that is renamed or moved
    within its file system stays known, and one that is written over or goes on growing becomes a new one.

    Attributes:
        is_new: nothing was ever put into it, not even with `add([])`.
    """

    def __init__(self, path: Path) -> None:
        """Open the list, and keep others out of it; it is made when there is none.

        Raises:
            SourceUnavailable: another reader has it, or it cannot be written.
            SourceRejected: the file is something else, or damaged.
        """
        self._path = path
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            # For any thread, as long as only one uses it at a time: a generator may be closed in another thread.
            self._connection = sqlite3.connect(path, timeout=0.0, isolation_level=None, check_same_thread=False)
        try:
            with self._explained():
                self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # until it is closed
                self._connection.execute("PRAGMA journal_mode = WAL")  # one write for each recording
                self._connection.execute("PRAGMA synchronous = FULL")  # and that one survives a power cut
                with self._transaction():
                    self._connection.execute(_SCHEMA)
                version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        except BaseException:
            self._connection.close()
            raise
        if version > _VERSION:
            self._connection.close()
            raise SourceRejected(f"{path}: was written by a newer movinet-edge")
        self.is_new = version == 0
        self._unwritten: list[Recording] = []

    def holds(self, recording: Recording) -> bool:
        """True when this recording is done, maybe under another name."""
        with self._explained():
            rows = self._connection.execute(
                "SELECT 1 FROM done WHERE state = ? AND (name = ? OR inode = ?)", _row(recording)
            )
            return rows.fetchone() is not None

    def add(self, recordings: Iterable[Recording], folder: Folder) -> None:
        """Remember these as done, on the disk, and forget what `folder` no longer holds.

        Raises:
            SourceUnavailable: that is not possible now; they are remembered with the next ones.
        """
        self._unwritten += recordings
        with self._explained(), self._transaction():
            self._connection.executemany("INSERT OR REPLACE INTO done VALUES (?, ?, ?)", map(_row, self._unwritten))
            if folder.is_whole:
                self._forget_all_but(folder.recordings)
            self._connection.execute(f"PRAGMA user_version = {_VERSION}")
        self.is_new = False
        self._unwritten.clear()

    def close(self) -> None:
        """Let others have it; twice does no harm."""
        self._connection.close()

    def _forget_all_but(self, recordings: Iterable[Recording]) -> None:
        """Keep a row for as long as `holds` could find it for a file that is there."""
        keys = {(state, key) for state, *both in map(_row, recordings) for key in both}
        rows = self._connection.execute("SELECT state, name, inode FROM done").fetchall()
        gone = [(state, name) for state, name, inode in rows if not keys & {(state, name), (state, inode)}]
        self._connection.executemany("DELETE FROM done WHERE state = ? AND name = ?", gone)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # SQLite has already rolled back after some errors
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise SourceUnavailable(
                    f"{self._path}: another stream keeps its list of what is done here; give each stream that follows"
                    " the same folder a `done_file:` of its own"
                ) from error
            raise self._unavailable(error) from error
        except sqlite3.DatabaseError as error:
            raise SourceRejected(
                f"{self._path}: is damaged, or no list of what is done ({error}); move it away to begin a new one"
            ) from error
        except OSError as error:
            raise self._unavailable(error.strerror or error) from error

    def _unavailable(self, reason: object) -> SourceUnavailable:
        return SourceUnavailable(
            f"{self._path}: what is done cannot be remembered here ({reason}); `done_file:` names another place"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def default_done_file(folder: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the list of a folder is kept when nobody says: with the daemon's state, not in the folder itself.

    A mount may be read-only, and a recorder may count or delete what it did not write.
    """
    state = environ.get("STATE_DIRECTORY", "").split(":")[0]  # set by systemd
    xdg = environ.get("XDG_STATE_HOME", "")
    if not state and xdg.startswith("/"):  # the XDG specification: a relative one is ignored
        state = f"{xdg}/movinet-edge"
    elif not state:
        state = f"{home}/.local/state/movinet-edge" if (home := environ.get("HOME")) else "/var/lib/movinet-edge"
    digest = sha256(os.fsencode(folder.absolute())).hexdigest()[:8]  # several folders may have one name
    return Path(state, "done", f"{folder.name}-{digest}.sqlite")


def _row(recording: Recording) -> tuple[str, bytes, str]:
    state = f"{recording.size_bytes} {recording.changed_ns}"
    return state, os.fsencode(recording.name), str(recording.inode)
