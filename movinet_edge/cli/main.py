"""The `movinet-edge` command: reads the verb, runs it, and turns errors into one line and an exit code."""

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from movinet_edge import __version__
from movinet_edge.api import ConfigurationError, ModelError, MovinetEdgeError
from movinet_edge.cli import bench, check, classify, demo, events, exit_codes, logs, models, plugins, run, schema

_VERBS: dict[str, ModuleType] = {
    "run": run,
    "check": check,
    "classify": classify,
    "demo": demo,
    "events": events,
    "models": models,
    "plugins": plugins,
    "bench": bench,
    "schema": schema,
}

_DESCRIPTION = """\
Says what people do in front of a camera: a streaming MoViNet scores every frame, and starts and stops of the
actions you watch for go to MQTT, webhooks, logs and files. It runs on a Raspberry Pi, without a cloud."""

_EPILOG = """\
to begin with:
  movinet-edge demo                      see the whole path on a bundled clip
  movinet-edge classify my-video.mp4     what the model sees in a video of yours
  movinet-edge check --config FILE       is my configuration right?
  movinet-edge run --config FILE         the daemon

`movinet-edge VERB --help` explains each verb. Set MOVINET_EDGE_LOG=debug to see more of what happens."""


def build_parser() -> argparse.ArgumentParser:
    """The parser with all verbs."""
    parser = argparse.ArgumentParser(
        prog="movinet-edge",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"movinet-edge {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, module in _VERBS.items():
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
    args = build_parser().parse_args(arguments)
    # The daemon's own log settings follow once its configuration is read; other verbs speak to a person.
    if args.verb == "run":
        logs.configure_logging()
    else:
        logs.configure_logging("warning", "console")
    try:
        code: int = args.execute(args)
        sys.stdout.flush()
    except ConfigurationError as error:
        return _complain(error, exit_codes.CONFIGURATION)
    except ModelError as error:
        return _complain(error, exit_codes.UNAVAILABLE)
    except MovinetEdgeError as error:
        return _complain(error, exit_codes.FAILURE)
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough (`| head`); Python would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.OK
    return code


def _complain(error: Exception, code: int) -> int:
    print(f"movinet-edge: {error}", file=sys.stderr)
    return code


def console_main() -> None:
    """The entry point: as `main`, and leaves without the runtime's farewell on standard error."""
    code = main()
    with contextlib.suppress(OSError):
        sys.stderr.flush()
        # LiteRT's destructors print lines when the process ends; nothing of ours comes after this point.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    raise SystemExit(code)
