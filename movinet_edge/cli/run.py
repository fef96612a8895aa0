"""`movinet-edge run`: the daemon in the foreground, as systemd wants it."""

import argparse
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from queue import SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING, Any

import structlog

from movinet_edge.api import CommandRefused, MovinetEdgeError
from movinet_edge.cli import exit_codes
from movinet_edge.cli.configured import add_config_argument, read_config
from movinet_edge.cli.logs import configure_logging

HELP = "run the daemon"
DESCRIPTION = """\
Run all streams of the configuration until SIGTERM or Ctrl-C, or until every stream has ended. Open actions are closed
and events are handed over within 5 seconds of the signal; what a sink could not take waits in the outbox. SIGHUP and
`movinet-edge reload` apply a changed configuration."""
EPILOG = """\
exit codes: 0 stopped or ended, 66 every stream was rejected, 69 a model could not be fetched (trying again may help),
70 something broke inside (starting anew helps), 78 the configuration is wrong (trying again does not help)."""

if TYPE_CHECKING:
    from movinet_edge.config import Configuration
    from movinet_edge.daemon.assembly import Assembly
    from movinet_edge.daemon.controls import Controls
    from movinet_edge.daemon.notify import Notifier
    from movinet_edge.daemon.reload import Reloader
    from movinet_edge.daemon.supervisor import Supervisor

_log = structlog.get_logger(__name__)

_RELOAD_END_S = 1.0
"""A reload that was asked for right before the end may be reading a file."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `run`."""
    add_config_argument(parser)


def execute(args: argparse.Namespace) -> int:
    """Run until the end."""
    document = read_config(args)
    # Heavy imports come after the file is known to be readable, so that a typing error in a path answers at once.
    from movinet_edge.cli.download_progress import download_progress
    from movinet_edge.daemon.adjustments import Adjustments
    from movinet_edge.daemon.assembly import assemble
    from movinet_edge.daemon.controls import Controls, adjust
    from movinet_edge.daemon.notify import Notifier
    from movinet_edge.daemon.reload import Reloader
    from movinet_edge.daemon.state_lock import locked_state
    from movinet_edge.daemon.supervisor import Supervisor
    from movinet_edge.delivery import Outbox
    from movinet_edge.web.daemon import Daemon
    from movinet_edge.web.start import check_page, page

    # First of all, so that no child inherits what is meant for us alone.
    notifier = Notifier.from_environment()
    with download_progress("downloading the model") as progress:
        assembly = assemble(document, progress=progress)
    configuration = assembly.configuration
    configure_logging(configuration.log.level, configuration.log.format)
    check_page(configuration.web)
    with locked_state(configuration.state_dir):
        outbox = Outbox(
            assembly.outbox_path,
            max_events=configuration.outbox.max_events,
            max_age_s=configuration.outbox.max_age_s,
        )
        adjustments = Adjustments(configuration.state_dir / "adjustments.json")
        disabled = [name for name, parts in assembly.streams.items() if not adjust(name, parts, adjustments)]
        supervisor = Supervisor(assembly.streams, assembly.sinks, outbox, disabled=disabled)
        controls = Controls(supervisor, adjustments)
        reloader = Reloader(
            assembly, supervisor, adjustments, read=lambda: read_config(args), on_log=_apply_log_settings
        )
        reload = _announced(reloader, supervisor, notifier)
        seen = Daemon(supervisor, controls, assembly.outbox_path, configuration.state_dir)
        doors = _both(_control_socket(configuration, controls, reload), page(configuration.web, seen))
        with assembly.evidence.running():
            return _run(supervisor, assembly, reload, doors, notifier)


def _announced(reloader: "Reloader", supervisor: "Supervisor", notifier: "Notifier") -> Callable[[], str]:
    """A reload that the service manager is told of."""
    from movinet_edge.daemon.notify import status_text

    def reload() -> str:
        notifier.reloading()
        try:
            return reloader.reload()
        finally:
            notifier.ready(status_text(supervisor.status()))

    return reload


@contextmanager
def _both(first: AbstractContextManager[None], second: AbstractContextManager[None]) -> Iterator[None]:
    with first, second:
        yield


def _apply_log_settings(configuration: "Configuration") -> None:
    configure_logging(configuration.log.level, configuration.log.format)


@contextmanager
def _control_socket(configuration: "Configuration", controls: "Controls", reload: Callable[[], str]) -> Iterator[None]:
    from movinet_edge.daemon.control_socket import ControlSocket, Reload, Request, SetThreshold, Status, Switch

    def answer(request: Request) -> Any:
        match request:
            case Status():
                return controls.status().model_dump(mode="json")
            case Reload():
                return reload()
            case Switch(stream=stream, on=on):
                return controls.set_enabled(stream, on)
            case SetThreshold(stream=stream, action=action, on=threshold):
                return controls.set_threshold(stream, action, threshold)

    socket = None
    if configuration.control.enabled:
        try:
            socket = ControlSocket(configuration.control_sockets[0], configuration.control.mode, answer)
        except MovinetEdgeError as error:  # detection does not depend on it
            _log.warning("there is no control socket", reason=str(error))
    try:
        yield
    finally:
        if socket is not None:
            socket.close()


def _reload_on(hangups: "SimpleQueue[bool]", reload: Callable[[], str]) -> None:
    while hangups.get():
        with suppress(CommandRefused):  # it is in the log
            reload()


def _run(
    supervisor: "Supervisor",
    assembly: "Assembly",
    reload: Callable[[], str],
    control: AbstractContextManager[None],
    notifier: "Notifier",
) -> int:
    from movinet_edge.daemon.heartbeat import Heartbeat
    from movinet_edge.daemon.notify import status_text

    received: list[int] = []
    # A queue of this kind is safe in a signal handler.
    hangups: SimpleQueue[bool] = SimpleQueue()
    reloading = threading.Thread(target=_reload_on, args=(hangups, reload), name="reload", daemon=True)

    def stop(number: int, _frame: FrameType | None) -> None:
        received.append(number)  # nothing is logged here: the thread that was interrupted may hold the log's lock
        supervisor.request_stop()

    signal.set_wakeup_fd(supervisor.wakeup_fd)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGHUP, lambda *_: hangups.put(True))
    for parts in assembly.streams.values():
        model = parts.pipeline.model
        _log.info("stream", stream=parts.pipeline.stream, model=model.name, runtime=str(model.runtime))
    supervisor.start()
    # Commands only now: what has not begun cannot be changed.
    reloading.start()
    heartbeat = Heartbeat(notifier, supervisor.status, supervisor.busy_s)
    with control:
        notifier.ready(status_text(supervisor.status()))
        ended = supervisor.wait(beat=heartbeat.beat)
    notifier.stopping()
    if received:
        _log.info("stopping", signal=signal.Signals(received[0]).name)
    supervisor.stop()
    hangups.put(False)
    reloading.join(_RELOAD_END_S)
    signal.set_wakeup_fd(-1)
    for name, figures in supervisor.figures.items():
        _log.info(
            "stream done" if ended else "stream stopped",
            stream=name,
            read=figures.read,
            scored=figures.scored,
            skipped=figures.skipped,
            dropped=figures.dropped,
            unusable=figures.unusable,
        )
    if supervisor.failed:
        return exit_codes.SOFTWARE
    if ended and len(supervisor.failed_streams) == len(supervisor.figures):
        return exit_codes.NO_INPUT
    return exit_codes.OK
