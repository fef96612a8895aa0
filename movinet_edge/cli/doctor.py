"""`movinet-edge doctor`: all that a helper would ask for, examined, with what to do where something is wrong."""

import argparse
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from movinet_edge.api import (
    CheckedSink,
    ConfigurationError,
    DaemonStatus,
    MovinetEdgeError,
    SinkError,
    SinkStatus,
    StreamState,
)
from movinet_edge.cli import exit_codes
from movinet_edge.cli.configured import DEFAULT_PATH
from movinet_edge.cli.control import add_socket_arguments, ask_daemon
from movinet_edge.cli.self_test import self_test
from movinet_edge.config import Document, load, read_document
from movinet_edge.config.settings import default_state_dir
from movinet_edge.config.tree import Node, Origin
from movinet_edge.daemon import diagnosis
from movinet_edge.daemon.control_socket import NoDaemon, Status
from movinet_edge.daemon.diagnosis import Check, Finding, examine
from movinet_edge.library import BUILTIN_MODEL
from movinet_edge.models import ModelStore
from movinet_edge.models.folders import CACHE_VARIABLE, default_cache, default_search

HELP = "what is wrong here? All that a helper would ask for"
DESCRIPTION = """\
Examine this machine and this installation: versions, cameras and permissions, disks, clock, power, the configuration,
its sinks (with --online), models, the running daemon, and the model itself on the bundled clip. Needs neither a
configuration nor a model, changes nothing, and takes some seconds."""
EPILOG = """\
Passwords, logins, paths of camera addresses and the name of your home folder are left out, so the text can be put into
an issue as it is; hosts are named.

exit codes: 0 all is well, 1 there is something to look at."""

_SERVICE_STATE = Path("/var/lib/movinet-edge")
_SERVICE_CACHE = Path("/var/cache/movinet-edge/models")

# Some cameras want their login there.
_PATH_IN_ADDRESS = re.compile(r"(\b(?:rtsps?|rtmps?|https?|udp|wss?)://[^/\s'\",;]+)/[^\s'\",;]*", re.IGNORECASE)

_WELL = (StreamState.LIVE, StreamState.DISABLED, StreamState.CONNECTING)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `doctor`."""
    add_socket_arguments(parser)
    parser.add_argument("--online", action="store_true", help="also connect to where the events go")
    parser.add_argument("--json", action="store_true", help="print the findings for programs")


def execute(args: argparse.Namespace) -> int:
    """Examine all, in sections."""
    doctor = _Doctor(args)
    sections: dict[str, list[Finding]] = {}
    for title, check in doctor.sections().items():
        if not args.json:
            print(title, flush=True)
        sections[title] = []
        for finding in map(doctor.redacted, examine(check)):
            sections[title].append(finding)
            if not args.json:
                print(_as_lines(finding), flush=True)
        if not sections[title] and not args.json:
            print("  nothing to examine")
    troubles = sum(finding.remedy is not None for findings in sections.values() for finding in findings)
    if args.json:
        print(json.dumps(_as_json(sections, troubles), indent=2, ensure_ascii=False))
    else:
        print(f"\n{troubles} to look at, marked with !" if troubles else "\nall is well")
    return exit_codes.FAILURE if troubles else exit_codes.OK


def _as_lines(finding: Finding) -> str:
    mark = " " if finding.remedy is None else "!"
    text = finding.found if not finding.remedy else f"{finding.found}\n→ {finding.remedy}"
    return f"{mark} {finding.what:<24} " + text.replace("\n", "\n" + 27 * " ")


def _as_json(sections: dict[str, list[Finding]], troubles: int) -> dict[str, object]:
    return {
        "well": troubles == 0,
        "sections": {
            title: [{"what": f.what, "found": f.found, "well": f.remedy is None, "remedy": f.remedy} for f in findings]
            for title, findings in sections.items()
        },
    }


class _Doctor:
    """What the checks have in common: the configuration, as far as it can be read."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._file: Path = args.config or DEFAULT_PATH
        self._unreadable: ConfigurationError | None = None
        try:
            self._document = read_document(self._file)
        except ConfigurationError as error:
            self._unreadable = error
            self._document = Document(self._file, Node(Origin(str(self._file)), {}))

    def sections(self) -> dict[str, Check]:
        """Titles and checks; the self-test last, since native code that crashes leaves nothing to be said."""
        return {
            "versions": diagnosis.versions,
            "cameras": diagnosis.cameras,
            "disks": self._disks,
            "clock": diagnosis.clock,
            "power": diagnosis.power,
            "configuration": self._configuration,
            "sinks": self._sinks,
            "models": self._models,
            "daemon": self._daemon,
            "self-test": lambda: self_test(_store(), diagnosis.board()),
        }

    def redacted(self, finding: Finding) -> Finding:
        """The finding without what is nobody else's business."""
        remedy = finding.remedy and self._redacted(finding.remedy)
        return Finding(self._redacted(finding.what), self._redacted(finding.found), remedy)

    def _redacted(self, text: str) -> str:
        return _homeless(_PATH_IN_ADDRESS.sub(r"\1/…", self._document.redact(text)))

    def _disks(self) -> Iterator[Finding]:
        states = {default_state_dir(): "state"}
        if self._unreadable is None:
            with suppress(ConfigurationError):  # told under its own title
                states = {load(self._file).state_dir: "state"}
        if _may_enter(_SERVICE_STATE):
            states.setdefault(_SERVICE_STATE, "state of the service")
        for path, what in states.items():
            yield from diagnosis.folder(what, path)
        yield from diagnosis.folder("models", _store().cache)

    def _configuration(self) -> Iterator[Finding]:
        names = sorted(name for name in os.environ if name.startswith("MOVINET_EDGE"))
        if names:
            yield Finding("environment", f"sets {', '.join(names)}")
        if self._unreadable is not None:
            yield Finding("file", str(self._unreadable), _remedy_for_file(self._file))
            return
        from movinet_edge.daemon.assembly import assemble

        try:
            assembly = assemble(self._document, pull=False, store=_store())
        except MovinetEdgeError as error:
            yield Finding("file", str(error), "put these right; `movinet-edge check` tells them again")
            return
        yield Finding("file", f"{self._file}: right")
        for section in assembly.configuration.streams:
            pipeline = assembly.streams[section.name].pipeline
            actions = len(pipeline.detector.watched)
            plural = "" if actions == 1 else "s"
            what = f"{section.source.type}, {actions} action{plural}, {pipeline.model.name} on {pipeline.model.runtime}"
            yield Finding(f"stream {section.name}", what)

    def _sinks(self) -> Iterator[Finding]:
        if self._unreadable is not None:
            return
        from movinet_edge.daemon.assembly import make_sinks

        try:
            configuration, sinks = make_sinks(self._document)
        except ConfigurationError:
            return  # told with the rest of the configuration
        for section in configuration.sinks:
            make_sink = sinks[section.name].make_sink
            if self._args.online:
                yield from examine(partial(_tried, section.name, make_sink))
            else:
                yield Finding(section.name, f"{section.type}; --online tries it")

    def _models(self) -> Iterator[Finding]:
        results = [result for result in _store().verify() if result.expected]
        for result in results:
            yield Finding(result.name, f"{result.status}: {result.path} {result.detail}", result.remedy)
        if {result.name for result in results} == {BUILTIN_MODEL}:
            yield Finding("others", "none is here; `movinet-edge models pull a0` fetches the one with 600 classes")

    def _daemon(self) -> Iterator[Finding]:
        try:
            status = DaemonStatus.model_validate(ask_daemon(self._args, Status()))
        except (NoDaemon, ConfigurationError) as error:
            yield Finding("answer", f"none: {error if isinstance(error, NoDaemon) else 'the configuration is wrong'}")
            return
        yield Finding("answer", f"movinet-edge {status.version}, since {status.started_at:%Y-%m-%d %H:%M} UTC")
        for stream in status.streams:
            fps = stream.health.fps_scored
            rate = "" if fps is None else f", {fps:.1f} fps scored"
            well = stream.state in _WELL or not stream.reason
            remedy = None if well else "try its source: movinet-edge probe STREAM --config FILE"
            found = f"{stream.state.value}{rate}" + (f": {stream.reason}" if stream.reason else "")
            yield Finding(f"stream {stream.name}", found, "; ".join(stream.advice) or remedy)
        for sink in status.sinks:
            yield _of_sink(sink)
        if status.lost_events:
            yield Finding("lost events", str(status.lost_events), "the disk was full or read-only: see above")


def _of_sink(sink: SinkStatus) -> Finding:
    found = f"{sink.state}, {sink.pending} waiting, {sink.rejected} rejected, {sink.dropped} dropped"
    if sink.last_error:
        found += f"; its latest error: {sink.last_error}"  # perhaps long over
    remedy = None
    if sink.rejected:
        remedy = "movinet-edge events --failed shows what it refused, --retry sends it again"
    elif sink.state == "retrying":
        remedy = "movinet-edge doctor --online tries it now"
    return Finding(f"sink {sink.name}", found, remedy)


def _remedy_for_file(file: Path) -> str:
    try:
        there = file.exists()
    except PermissionError:  # a folder on the way that this user may not enter
        there = True
    if not there:
        return "movinet-edge init"
    return "put these right" if os.access(file, os.R_OK) else "use sudo: the file is not for this user"


def _tried(name: str, make_sink: Callable[[], object]) -> Iterator[Finding]:
    try:
        sink = make_sink()
        found = sink.check() if isinstance(sink, CheckedSink) else "not tried: it has no way to do so without an event"
        yield Finding(name, found)
    except SinkError as error:
        yield Finding(name, str(error), "put right what it says, in the configuration or over there")


def _store() -> ModelStore:
    """As the daemon finds its models: in the service's cache if this user may look there, and in this user's own."""
    if os.environ.get(CACHE_VARIABLE) or not _may_enter(_SERVICE_CACHE):
        return ModelStore()
    own = default_cache()
    return ModelStore(cache=_SERVICE_CACHE, search=(*default_search(), *((own,) if _may_enter(own) else ())))


def _may_enter(path: Path) -> bool:
    return os.access(path, os.R_OK | os.X_OK)


def _homeless(text: str) -> str:
    home = os.path.expanduser("~")  # noqa: PTH111 the method of Path raises for a user without one
    return text.replace(home, "~") if len(home) > 1 else text
