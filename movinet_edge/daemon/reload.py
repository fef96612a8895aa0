"""Applies a changed configuration to the running daemon; what did not change is not touched."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

import structlog

from movinet_edge.api import CommandRefused
from movinet_edge.config import Configuration, Document, SinkSection, StreamSettings
from movinet_edge.daemon.adjustments import Adjustments
from movinet_edge.daemon.assembly import Assembly, assemble
from movinet_edge.daemon.controls import adjust
from movinet_edge.daemon.supervisor import Supervisor
from movinet_edge.delivery import OutboxUnavailable

_log = structlog.get_logger(__name__)

# They are held or used by what was started first, and change only with it.
_NEED_A_RESTART = ("state_dir", "plugin_dirs", "outbox", "evidence", "control", "web")


class Reloader:
    """Reads the configuration again and applies the difference. Methods may be called from any thread."""

    def __init__(
        self,
        assembly: Assembly,
        supervisor: Supervisor,
        adjustments: Adjustments,
        *,
        read: Callable[[], Document],
        on_log: Callable[[Configuration], None],
    ) -> None:
        """`read` gives the configuration's document anew; `on_log` applies its log settings."""
        self._assembly, self._supervisor, self._adjustments = assembly, supervisor, adjustments
        self._sinks = _sinks_by_name(assembly.configuration)
        self._read, self._on_log = read, on_log
        self._turn = threading.Lock()

    def reload(self) -> str:
        """Read and apply; what was done, as a sentence.

        Raises:
            CommandRefused: the configuration is wrong and the old one goes on; the text says what is wrong.
        """
        with self._turn:
            try:
                assembly = assemble(
                    self._read(),
                    loaded=self._assembly.models,
                    in_use=self._assembly.models_of.values(),
                    evidence=self._assembly.evidence,
                )
            except Exception as error:  # whatever is wrong with the new one, the old one is right
                _log.error("the configuration was not reloaded, the old one goes on", reason=str(error))
                raise CommandRefused(
                    f"the old configuration goes on, because the new one is wrong:\n{error}"
                ) from error
            try:
                return self._apply(assembly)
            except OutboxUnavailable as error:
                _log.error("the sinks could not be changed, the old ones go on", reason=str(error))
                raise CommandRefused(f"only the streams were changed; the sinks could not be: {error}") from error

    def _apply(self, new: Assembly) -> str:
        old = self._assembly
        self._on_log(new.configuration)
        before, after = _by_name(old.configuration), _by_name(new.configuration)
        same = {
            name
            for name, settings in after.items()
            if before.get(name) == settings and old.models_of[name] is new.models_of[name]
        }
        gone = [name for name in before if name not in same]
        started = {name: parts for name, parts in new.streams.items() if name not in same}
        self._supervisor.replace_streams(gone, started, adjust=partial(adjust, adjustments=self._adjustments))
        # Of a stream that goes on, the old parts are those in use.
        self._assembly = replace(new, streams={**new.streams, **{name: old.streams[name] for name in same}})
        old_sinks, new_sinks = self._sinks, _sinks_by_name(new.configuration)
        same_sinks = {name for name, sink in new_sinks.items() if old_sinks.get(name) == sink}
        self._supervisor.replace_sinks(
            [name for name in old_sinks if name not in same_sinks],
            {name: make for name, make in new.sinks.items() if name not in same_sinks},
        )
        self._sinks = new_sinks
        streams = _difference("stream", before, after, same)
        sinks = _difference("sink", old_sinks, new_sinks, same_sinks)
        later = [key for key in _NEED_A_RESTART if getattr(old.configuration, key) != getattr(new.configuration, key)]
        text = "; ".join([*streams, *sinks]) or "nothing to change"
        if later:
            text += f"; changed, but only a restart applies it: {', '.join(later)}"
        _log.info("configuration reloaded", changes=text)
        return text


def _by_name(configuration: Configuration) -> dict[str, StreamSettings]:
    return {stream.name: stream for stream in configuration.streams}


def _sinks_by_name(configuration: Configuration) -> dict[str, SinkSection]:
    return {sink.name: sink for sink in configuration.sinks}


def _difference(kind: str, before: Iterable[str], after: Iterable[str], same: set[str]) -> list[str]:
    old, new = set(before), set(after)
    groups = (("added", new - old), ("removed", old - new), ("changed", (old & new) - same))
    return [f"{kind} {what}: {', '.join(sorted(names))}" for what, names in groups if names]
