"""`movinet-edge run`: the daemon in the foreground, as systemd wants it."""

import argparse
import signal
from types import FrameType
from typing import TYPE_CHECKING

import structlog

from movinet_edge.cli import exit_codes
from movinet_edge.cli.configured import add_config_argument, read_config
from movinet_edge.cli.logs import configure_logging

HELP = "run the daemon"
DESCRIPTION = """\
Run all streams of the configuration until SIGTERM or Ctrl-C, or until every stream has ended. Open actions are closed
and events are handed over within 5 seconds of the signal; what a sink could not take waits in the outbox."""
EPILOG = """\
exit codes: 0 stopped or ended, 66 every stream was rejected, 69 a model could not be fetched (trying again may help),
70 something broke inside (starting anew helps), 78 the configuration is wrong (trying again does not help)."""

if TYPE_CHECKING:
    from movinet_edge.daemon.assembly import Assembly
    from movinet_edge.daemon.supervisor import Supervisor

_log = structlog.get_logger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `run`."""
    add_config_argument(parser)


def execute(args: argparse.Namespace) -> int:
    """Run until the end."""
    document = read_config(args)
    # Heavy imports come after the file is known to be readable, so that a typing error in a path answers at once.
    from movinet_edge.cli.progress import download_progress
    from movinet_edge.daemon.assembly import assemble
    from movinet_edge.daemon.state_lock import locked_state
    from movinet_edge.daemon.supervisor import Supervisor
    from movinet_edge.delivery import Outbox

    with download_progress("downloading the model") as progress:
        assembly = assemble(document, progress=progress)
    configuration = assembly.configuration
    configure_logging(configuration.log.level, configuration.log.format)
    with locked_state(configuration.state_dir):
        outbox = Outbox(
            assembly.outbox_path,
            max_events=configuration.outbox.max_events,
            max_age_s=configuration.outbox.max_age_s,
        )
        return _run(Supervisor(assembly.streams, assembly.sinks, outbox), assembly)


def _run(supervisor: "Supervisor", assembly: "Assembly") -> int:
    received: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        received.append(number)  # nothing is logged here: the thread that was interrupted may hold the log's lock
        supervisor.request_stop()

    signal.set_wakeup_fd(supervisor.wakeup_fd)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    for parts in assembly.streams.values():
        model = parts.pipeline.model
        _log.info("stream", stream=parts.pipeline.stream, model=model.name, runtime=str(model.runtime))
    supervisor.start()
    ended = supervisor.wait()
    if received:
        _log.info("stopping", signal=signal.Signals(received[0]).name)
    supervisor.stop()
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
    if ended and len(supervisor.failed_streams) == len(assembly.streams):
        return exit_codes.NO_INPUT
    return exit_codes.OK
