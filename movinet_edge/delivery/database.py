"""The outbox's SQLite file: its schema, how it is opened, checked and migrated, and what is done with a corrupt one."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Literal

import structlog

from movinet_edge.api import ConfigurationError, MovinetEdgeError

_log = structlog.get_logger(__name__)


class OutboxUnavailable(MovinetEdgeError):
    """The outbox cannot be read or written now (disk full, read-only, failing); what it holds is untouched."""


class OutboxTooNew(ConfigurationError):
    """The outbox was written by a newer movinet-edge; restarting this one will not help."""


# Entry n takes the file from version n to n + 1 (PRAGMA user_version). Entries are never edited once released.
# `seq` needs no AUTOINCREMENT: only the oldest rows are ever deleted and the newest stays, so no number comes back.
# `body` is a BLOB so that a rotten byte shows up as an unreadable event and not as an error of the whole query.
_MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE events (
            seq INTEGER PRIMARY KEY,
            event_type TEXT NOT NULL,
            stream TEXT NOT NULL,
            action TEXT NOT NULL,
            happened_at_s REAL NOT NULL,
            committed_at_s REAL NOT NULL,
            body BLOB NOT NULL
        )""",
        "CREATE TABLE cursors (sink TEXT PRIMARY KEY, acknowledged INTEGER NOT NULL, dropped INTEGER NOT NULL)",
        "CREATE TABLE open_occurrences (id TEXT PRIMARY KEY, seq INTEGER NOT NULL, body BLOB NOT NULL)",
    ),
    (
        # Null: stored before there was this column.
        "ALTER TABLE events ADD COLUMN start_score REAL",
        "ALTER TABLE open_occurrences ADD COLUMN start_score REAL",
        """CREATE TABLE failed (
            number INTEGER PRIMARY KEY,
            sink TEXT NOT NULL,
            seq INTEGER NOT NULL,
            reason TEXT NOT NULL,
            failed_at_s REAL NOT NULL,
            tries INTEGER NOT NULL,
            retry INTEGER NOT NULL,
            body BLOB NOT NULL,
            UNIQUE (sink, seq)
        )""",
        "CREATE INDEX failed_by_time ON failed (failed_at_s)",
    ),
)
SCHEMA_VERSION = len(_MIGRATIONS)

# `movinet-edge events --retry` writes beside the daemon, for milliseconds; a slow card may make seconds of them.
_BUSY_S = 10.0


class _Corrupt(Exception):
    """The integrity check found damage."""


@contextmanager
def explained(doing: str, path: Path) -> Iterator[None]:
    """Turn the errors of SQLite and of the file system into OutboxUnavailable, which names the file and the reason."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise OutboxUnavailable(f"cannot {doing} the outbox {path}: {reason}") from error


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing of what is executed inside."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite has already rolled back after some errors, a full disk among them
            connection.execute("ROLLBACK")
        raise


def connect(path: Path, synchronous: Literal["FULL", "NORMAL"]) -> sqlite3.Connection:
    """A connection for any thread, as long as only one uses it at a time.

    Both ways survive the death of the process. In a power cut a commit with FULL survives too, since it waits for the
    disk; with NORMAL the last commits may be missing, but what is there is consistent.
    """
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        # A commit appends to one file and waits for the disk once; with a rollback journal it would be two files, three
        # waits, and a folder that changes. Pages go to their place by the thousand, which spares an SD card, and who
        # reads (`movinet-edge events`) holds nobody up.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_readonly(path: Path) -> sqlite3.Connection:
    """A connection that can change nothing, for reading while the daemon writes."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        _refuse_newer(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(path: Path) -> bool:
    """Make the file ready: created privately when missing, checked, migrated. True when a corrupt one was set aside.

    Raises:
        OutboxTooNew: the file has a newer schema.
        OutboxUnavailable: the file cannot be opened or created.
    """
    with explained("open", path):
        # Who did what in front of a camera is nobody else's business; SQLite gives its side files the same mode.
        with suppress(FileExistsError):  # a parent that is no folder is explained better by the opening below
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
        try:
            _check_and_migrate(path)
        except (_Corrupt, sqlite3.DatabaseError) as error:
            if not _is_corrupt(error):
                raise
            _set_aside(path, error)
            path.touch(mode=0o600, exist_ok=True)
            _check_and_migrate(path)
            return True
        return False


def _check_and_migrate(path: Path) -> None:
    with closing(connect(path, "FULL")) as connection:
        version = _refuse_newer(connection, path)
        # Reads the whole file, a second or two on an SD card at the default bound. Damage that shows up only while
        # running would make every later start fail in the same place.
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise _Corrupt(verdict)
        if version < SCHEMA_VERSION:
            with transaction(connection):
                for statement in (s for migration in _MIGRATIONS[version:] for s in migration):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _refuse_newer(connection: sqlite3.Connection, path: Path) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        raise OutboxTooNew(
            f"the outbox {path} was written by a newer movinet-edge (schema {version}, this one knows up to "
            f"{SCHEMA_VERSION}); install that version again, or move the file away to begin a new one"
        )
    return version


def _is_corrupt(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the kind, the rest is detail
    return isinstance(error, _Corrupt) or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _set_aside(path: Path, error: Exception) -> None:
    # One copy is kept, so that a dying card cannot fill itself with broken files. The write-ahead log goes along,
    # under the name that lets SQLite's own recovery tools find it.
    aside = path.with_name(f"{path.name}.corrupt")
    for suffix in ("-shm", "-wal", ""):
        target = Path(f"{aside}{suffix}")
        target.unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            Path(f"{path}{suffix}").replace(target)
    _log.error("outbox corrupt, new one begun", path=str(path), set_aside=str(aside), error=str(error))
