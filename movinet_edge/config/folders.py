"""Lists a folder that may be absent; one that is there and cannot be read is a problem, never passed over."""

from pathlib import Path

from movinet_edge.config.problems import Problem
from movinet_edge.config.tree import Origin


def list_folder(folder: Path) -> tuple[list[Path], list[Problem]]:
    """What is in the folder, in the order of the names; nothing when there is no such folder."""
    try:
        return sorted(folder.iterdir()), []
    except FileNotFoundError:
        return [], []
    except OSError as error:
        return [], [Origin(str(folder)).problem((), f"cannot be read as a folder: {error.strerror}")]
