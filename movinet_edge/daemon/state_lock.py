"""One daemon per state folder: two of them would deliver every event twice and close each other's actions."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from movinet_edge.api import MovinetEdgeError


class StateInUse(MovinetEdgeError):
    """Another daemon uses the folder."""


@contextmanager
def locked_state(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which the system drops with the process, however that ends.

    Raises:
        StateInUse: another process holds it.
        MovinetEdgeError: the folder cannot be made or written.
    """
    path = folder / "lock"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = path.open("a+b", buffering=0)
    except OSError as error:
        raise MovinetEdgeError(
            f"the state folder {folder} cannot be used: {error.strerror or error}; "
            "set `state_dir:` to a folder that this user may write"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = (file.read(20) or b"").decode("ascii", "replace").strip() or "unknown"
            raise StateInUse(
                f"another movinet-edge (process {holder}) uses {folder}; stop it, or give this one its own `state_dir:`"
            ) from None
        with suppress(OSError):  # the number is a courtesy; a full disk is no reason not to start
            file.truncate(0)
            file.write(f"{os.getpid()}\n".encode())
        yield
