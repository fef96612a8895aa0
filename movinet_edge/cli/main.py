"""The `movinet-edge` command: reads the verb, runs it, and turns errors into one line and an exit code."""

import argparse
import contextlib
import faulthandler
import importlib
import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from types import ModuleType
from typing import NoReturn

from movinet_edge import __version__
from movinet_edge.api import CommandRefused, ConfigurationError, ModelError, MovinetEdgeError, SourceError
from movinet_edge.cli import exit_codes, logs
from movinet_edge.daemon.control_socket import NoDaemon
from movinet_edge.models import DownloadError

# In the order of the help. Each is a module of this package; only the one that is wanted is loaded, since the others
# bring megabytes and a Raspberry Pi's seconds.
_VERBS = (
    "run",
    "check",
    "probe",
    "status",
    "reload",
    "enable",
    "disable",
    "set",
    "classify",
    "evaluate",
    "calibrate",
    "teach",
    "heads",
    "demo",
    "events",
    "models",
    "plugins",
    "mqtt",
    "init",
    "doctor",
    "web",
    "bench",
    "schema",
)

# `set` would hide Python's own.
_MODULES = {"set": "set_threshold"}

# The first that fits counts.
_CODES: tuple[tuple[type[MovinetEdgeError], int], ...] = (
    (ConfigurationError, exit_codes.CONFIGURATION),
    (CommandRefused, exit_codes.CONFIGURATION),
    (NoDaemon, exit_codes.UNAVAILABLE),
    (DownloadError, exit_codes.UNAVAILABLE),
    (ModelError, exit_codes.CONFIGURATION),
    (SourceError, exit_codes.NO_INPUT),
    (MovinetEdgeError, exit_codes.FAILURE),
)

_DESCRIPTION = """\
Says what people do in front of a camera: a streaming MoViNet scores every frame, and starts and stops of the
actions you watch for go to MQTT, webhooks, logs and files. It runs on a Raspberry Pi, without a cloud."""

_EPILOG = """\
to begin with:
  movinet-edge demo                      see the whole path on a bundled clip
  movinet-edge classify my-video.mp4     what the model sees in a video of yours
  movinet-edge check --config FILE       is my configuration right?
  movinet-edge run --config FILE         the daemon
  movinet-edge status --config FILE      how it stands

`movinet-edge VERB --help` explains each verb. Set MOVINET_EDGE_LOG=debug to see more of what happens.

exit codes: 0 done, 1 failed, 64 wrong arguments, 66 a video or stream cannot be read, 69 a model cannot be downloaded
or no daemon answers (trying again may help), 70 something broke inside, 78 what was configured or asked for cannot work
(trying again does not help), 130 interrupted."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # Our own number, since argparse's 2 means other things elsewhere; and no page of usage before the message.
        self.exit(exit_codes.USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


class _Help(argparse.RawDescriptionHelpFormatter):
    def add_argument(self, action: argparse.Action) -> None:
        super().add_argument(action)
        # argparse forgets that verbs are indented further, so the longest would get a line of its own.
        self._action_max_length = max(self._action_max_length, max(map(len, _VERBS)) + 2 * self._indent_increment)


def verb_module(verb: str) -> ModuleType:
    """What a verb does: HELP, DESCRIPTION, perhaps EPILOG, `add_arguments` and `execute`."""
    return importlib.import_module(f"movinet_edge.cli.{_MODULES.get(verb, verb)}")


def build_parser(verbs_wanted: Sequence[str] = _VERBS) -> argparse.ArgumentParser:
    """The parser with all verbs, or with some."""
    parser = _Parser(prog="movinet-edge", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=_Help)
    parser.add_argument("--version", action="version", version=f"movinet-edge {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name in verbs_wanted:
        module = verb_module(name)
        verb = verbs.add_parser(
            name,
            help=module.HELP,
            description=module.DESCRIPTION,
            epilog=getattr(module, "EPILOG", None),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(verb)
        verb.set_defaults(execute=module.execute)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    args = _parse(sys.argv[1:] if arguments is None else arguments)
    # The daemon's own log settings follow once its configuration is read; other verbs speak to a person.
    if args.verb == "run":
        logs.configure_logging()
    else:
        logs.configure_logging("warning", "console")
    try:
        code: int = args.execute(args)
        sys.stdout.flush()
    except MovinetEdgeError as error:
        code = next(code for kind, code in _CODES if isinstance(error, kind))
        _complain(error)
    except KeyboardInterrupt:
        code = exit_codes.INTERRUPTED
    except BrokenPipeError:  # whoever read our output has seen enough (`| head`)
        _forget_output()
        code = exit_codes.OK
    except OSError as error:
        if error.filename is None:  # no file of ours: standard output is what could not be written
            _forget_output()
        _complain(f"{error.filename or 'standard output'}: {error.strerror or error}")
        code = exit_codes.FAILURE
    return code


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    verb = next((word for word in arguments if not word.startswith("-")), None)
    if verb in _VERBS and arguments[0] == verb:
        return build_parser([verb]).parse_args(arguments)
    parser = build_parser()
    if verb is not None and verb not in _VERBS:
        near, known = get_close_matches(verb, _VERBS, n=1), f"there are: {', '.join(_VERBS)}"
        parser.error(f"there is no verb {verb!r}; {f'did you mean {near[0]!r}?' if near else known}")
    return parser.parse_args(arguments)


def _complain(what: Exception | str) -> None:
    print(f"movinet-edge: {what}", file=sys.stderr)


def _forget_output() -> None:
    """What waits to be written never will be; Python would try once more when it exits, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def console_main() -> None:
    """The entry point: as `main`, and leaves without the runtime's farewell on standard error."""
    _prepare_output()
    # What hangs in native code is ended by systemd's watchdog with SIGABRT, and then says where it was.
    with contextlib.suppress(RuntimeError, OSError, ValueError):  # standard error may be closed
        faulthandler.enable()
    try:
        code = main()
    except Exception:  # noqa: BLE001  # a fault of ours, shown as Python would
        traceback.print_exc()
        code = exit_codes.FAILURE
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    with contextlib.suppress(OSError):
        sys.stderr.flush()
        # LiteRT's destructors print lines when the process ends; nothing of ours comes after this point.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    # A camera that hangs leaves a thread in FFmpeg, which calls back every 100 ms; after Python's end that is a crash.
    if any(thread.daemon for thread in threading.enumerate()):
        os._exit(code)
    raise SystemExit(code)


def _prepare_output() -> None:
    # Closed by the caller; the numbers must not go to the next files that are opened.
    if sys.stdout is None:
        sys.stdout = open(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")  # noqa: SIM115, PTH123
    if sys.stderr is None:
        sys.stderr = open(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")  # noqa: SIM115, PTH123
    # A timeline on a terminal without UTF-8, or a file name in some older encoding, must not end in a traceback.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
