"""Where model files are kept and looked for, from the environment."""

import os
from pathlib import Path

from movinet_edge.api import ModelError

CACHE_VARIABLE = "MOVINET_EDGE_CACHE"
SEARCH_VARIABLE = "MOVINET_EDGE_MODEL_PATH"

_SYSTEM_CACHES = Path("/var/cache")
"""Where systemd keeps the caches of the services `movinet-edge` and `movinet-edge@NAME`."""


def default_cache() -> Path:
    """The folder for downloads.

    `$MOVINET_EDGE_CACHE`, else `models` under the `$CACHE_DIRECTORY` that systemd gives to a service
    (/var/cache/movinet-edge), else `movinet-edge/models` under `$XDG_CACHE_HOME` or `~/.cache`.

    Raises:
        ModelError: none of these is set and the user has no home folder.
    """
    if own := os.environ.get(CACHE_VARIABLE):
        return Path(own).expanduser()
    if service := os.environ.get("CACHE_DIRECTORY", "").split(":")[0]:
        return Path(service) / "models"
    # The XDG specification wants a relative path to be ignored.
    if (xdg := Path(os.environ.get("XDG_CACHE_HOME", ""))).is_absolute():
        return xdg / "movinet-edge" / "models"
    try:
        return Path.home() / ".cache" / "movinet-edge" / "models"
    except RuntimeError as error:
        raise ModelError(f"this user has no home folder for downloaded models; set {CACHE_VARIABLE}") from error


def default_search() -> tuple[Path, ...]:
    """The folders named by `$MOVINET_EDGE_MODEL_PATH`, in order, and the services' downloads for who may read them.

    So `check` and `doctor`, run by root, know the models that the service has.
    """
    entries = os.environ.get(SEARCH_VARIABLE, "").split(os.pathsep)
    named = tuple(Path(entry).expanduser() for entry in entries if entry)
    if "CACHE_DIRECTORY" in os.environ:  # a service, which has a cache of its own
        return named
    services = sorted(folder / "models" for folder in _SYSTEM_CACHES.glob("movinet-edge*"))
    return (*named, *(folder for folder in services if os.access(folder, os.R_OK | os.X_OK)))
