"""Whether the package's own model can stand in for the default one where that cannot be fetched."""

from collections.abc import Mapping

import structlog

from movinet_edge.config import ActionSettings, Configuration
from movinet_edge.daemon.stream_parts import watch_list
from movinet_edge.library import BUILTIN_MODEL, DEFAULT_MODEL
from movinet_edge.models import ModelStore, bundled_labels

_log = structlog.get_logger(__name__)


def may_stand_in(configuration: Configuration) -> bool:
    """True where no model was chosen and all that is watched for is known to the package's own.

    Otherwise a network that is away for a moment would make a right configuration wrong.
    """
    if "model" in configuration.model_fields_set or configuration.labels is not None:
        return False
    if any(stream.model == configuration.model for stream in configuration.streams):
        return False  # one model serves all streams that mean the same one
    streams = [stream for stream in configuration.streams if stream.model is None]
    if any(stream.labels is not None or configuration.heads_for(stream) for stream in streams):
        return False
    return all(stream.all_labels is not None or builtin_knows(stream.actions) for stream in streams)


def builtin_knows(actions: Mapping[str, ActionSettings]) -> bool:
    """True where the package's own model has every label of these actions."""
    try:
        watch_list(actions, None, bundled_labels(BUILTIN_MODEL))
    except ValueError:
        return False
    return True


def without_fetching(store: ModelStore) -> str | None:
    """What shows where nothing may be fetched how a start would go: None for the default model, if it is here."""
    if store.find(DEFAULT_MODEL):
        return None
    _log.warning(
        "no model was chosen and the default one is not here: a start fetches it, or else uses the package's own as "
        "is done now",
        model=BUILTIN_MODEL,
        default=DEFAULT_MODEL,
    )
    return BUILTIN_MODEL
