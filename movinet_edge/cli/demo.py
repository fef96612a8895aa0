"""`movinet-edge demo`: the daemon's whole path on the bundled clip, to watch, then a table and a timeline."""

import argparse
import os
import tempfile
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from movinet_edge.api import ActionEvent, ConfigurationError, EventType
from movinet_edge.cli import exit_codes

HELP = "watch the whole path at work on a bundled clip"
DESCRIPTION = """\
Run the daemon (source, model, smoothing, start and stop, outbox, sink) on a clip of about 45 seconds: nobody moves,
jumping jacks, nobody moves, push-ups, nobody moves. The first run downloads the official model (3 MB) if it is not
here; where that cannot be had, the model of the package is used."""

_FOLDER = Path(__file__).resolve().parent
_EXPECTED = [
    ("jumping jacks", EventType.START),
    ("jumping jacks", EventType.STOP),
    ("push up", EventType.START),
    ("push up", EventType.STOP),
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `demo`."""
    parser.add_argument("--realtime", action="store_true", help="as a camera would: 45 seconds instead of about two")
    parser.add_argument("--model", metavar="NAME|PATH", help="catalogue name, such as builtin, or .tflite file")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the events and the store in this folder")


def execute(args: argparse.Namespace) -> int:
    """Run the demo."""
    if args.keep is not None:
        try:
            args.keep.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"--keep {args.keep}: no folder can be made there: {error.strerror}") from error
    with nullcontext(args.keep) if args.keep else tempfile.TemporaryDirectory(prefix="movinet-edge-demo-") as folder:
        return _demo(Path(folder).absolute(), model=args.model, realtime=args.realtime)


def _demo(folder: Path, *, model: str | None, realtime: bool) -> int:
    from movinet_edge.cli.consoles import stdout_console
    from movinet_edge.cli.download_progress import download_progress
    from movinet_edge.cli.occurrences import Findings
    from movinet_edge.cli.progress import video_progress
    from movinet_edge.cli.report import live_line, print_report
    from movinet_edge.cli.video_length import total_length_s
    from movinet_edge.config import read_document
    from movinet_edge.daemon.assembly import assemble
    from movinet_edge.daemon.supervisor import Supervisor
    from movinet_edge.delivery import Outbox

    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MOVINET_EDGE__")},
        "MOVINET_EDGE__STATE_DIR": str(folder),
        "MOVINET_EDGE__SINKS__0__PATH": str(folder / "events.jsonl"),
        "MOVINET_EDGE__STREAMS__0__SOURCE__PACE": "realtime" if realtime else "fast",
    }
    if model is not None:
        environ["MOVINET_EDGE__MODEL"] = _absolute(model)
    console = stdout_console()
    findings: Any = None
    events: list[ActionEvent] = []

    def on_scores(_stream: str, time_s: float, _scores: NDArray[np.float32]) -> None:
        findings.add_scores(time_s, pipeline.detector.smoothed)
        progress.update(task, completed=time_s)

    def on_event(event: ActionEvent) -> None:
        events.append(event)
        findings.add(event)
        with suppress(BrokenPipeError):  # this is the engine's thread; the main one will notice
            progress.console.print(live_line(event))

    with download_progress("downloading the model") as bytes_progress:
        assembly = assemble(
            read_document(_FOLDER / "demo.yaml", environ=environ), progress=bytes_progress, on_scores=on_scores
        )
    pipeline = assembly.streams["demo"].pipeline
    findings = Findings(pipeline.detector.watched)
    print(f"{pipeline.model.name} on {pipeline.model.runtime}; configuration: {_FOLDER / 'demo.yaml'}", flush=True)
    supervisor = Supervisor(assembly.streams, assembly.sinks, Outbox(assembly.outbox_path), on_event=on_event)
    with video_progress(console) as progress:
        task = progress.add_task("demo clip", total=total_length_s([_FOLDER / "demo.mp4"]))
        supervisor.start()
        interrupted = False
        try:
            supervisor.wait()
        except KeyboardInterrupt:
            interrupted = True
            supervisor.request_stop()
        finally:
            delivered = supervisor.stop()
    print_report(console, findings, "demo")
    return exit_codes.INTERRUPTED if interrupted else _verdict(events, delivered)


def _absolute(model: str) -> str:
    """A relative path would begin at the folder of the demo's configuration."""
    return str(Path(model).expanduser().absolute()) if "/" in model or model.endswith(".tflite") else model


def _verdict(events: list[ActionEvent], delivered: bool) -> int:
    seen = [(event.action, event.event_type) for event in events if event.event_type is not EventType.UPDATE]
    if seen == _EXPECTED and delivered:
        print("All four events came, went through the outbox and were written by the jsonl sink.")
        return exit_codes.OK
    print("These are not the four events of this clip: something is wrong with this model or this machine.")
    return exit_codes.FAILURE
