"""`movinet-edge bench`: what a frame, a clip and a further stream cost on this machine, against the plain loop."""

import argparse
import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from movinet_edge.api import ConfigurationError
from movinet_edge.argument_types import positive_int
from movinet_edge.cli import exit_codes
from movinet_edge.library import BUILTIN_MODEL, DEFAULT_MODEL, Model, check_interface, load
from movinet_edge.models import ModelStore

if TYPE_CHECKING:
    from movinet_edge.cli.bench_report import Bench

HELP = "measure this machine"
DESCRIPTION = """\
Time single frames, in turn with the loop of the official example (signature runner, states copied both ways) and with
the runtime's bare run, so that a busy machine slows all three alike; then the stages of a clip, further streams and
threads, and energy where the processor counts it. One frame of a stream is due every 200 ms."""
EPILOG = """\
examples:
  movinet-edge bench
  movinet-edge bench my-model.tflite --clip garden.mp4 --streams 8
  movinet-edge bench --threads 1 2 4 --plot bench.png
  movinet-edge bench --json > bench.json

A model of your own needs no labels here."""

# More have not made any of these models faster.
_MOST_THREADS = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `bench`."""
    parser.add_argument(
        "model",
        nargs="?",
        metavar="MODEL|FILE",
        help=f"catalogue name or .tflite file ({DEFAULT_MODEL}, or {BUILTIN_MODEL} where that cannot be fetched)",
    )
    parser.add_argument("--runtime", choices=("auto", "litert", "tflite"), default="auto", help="what runs the model")
    parser.add_argument("--plain", action="store_true", help="run the file as it is, not rewritten for speed")
    parser.add_argument(
        "--threads",
        type=positive_int,
        nargs="+",
        metavar="N",
        help=f"for one inference; everything else is measured with the first (1 to the number of cores, at most"
        f" {_MOST_THREADS})",
    )
    parser.add_argument(
        "--streams", type=positive_int, default=8, metavar="N", help="that take turns with one model (%(default)s)"
    )
    parser.add_argument("--clip", type=Path, metavar="VIDEO", help="to take through all stages (the bundled one)")
    parser.add_argument(
        "--frames", type=positive_int, default=300, metavar="N", help="frames of each kind (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print figures for programs")
    parser.add_argument("--plot", type=Path, metavar="FILE.png|html", help="save a picture, or a page with the tables")


def execute(args: argparse.Namespace) -> int:
    """Measure and print."""
    from movinet_edge.cli.bench_report import print_bench
    from movinet_edge.cli.consoles import stdout_console

    if args.plot is not None:
        from movinet_edge.cli.bench_plot import check_bench_plot

        check_bench_plot(args.plot)
    if args.clip is not None and not args.clip.is_file():
        raise ConfigurationError(f"--clip {args.clip}: there is no such file")
    bench = _measure(args)
    if args.json:
        json.dump(bench.as_dict(), sys.stdout, indent=2)
        print()
    else:
        print_bench(stdout_console(), bench)
    if args.plot is not None:
        _save_plot(bench, args.plot)
    return exit_codes.OK


def _measure(args: argparse.Namespace) -> "Bench":
    from movinet_edge.cli.bench_energy import Counters, Energy, EnergyUnknown, measure_energy
    from movinet_edge.cli.bench_report import Bench
    from movinet_edge.cli.bench_stages import DEMO_CLIP, measure_stages
    from movinet_edge.daemon.diagnosis import power, versions
    from movinet_edge.engine.measure import first_frame_ms, measure, measure_streams, measure_threads, stepper
    from movinet_edge.engine.native_log import captured_native_log

    frames = max(10, args.frames)
    counts = list(dict.fromkeys(args.threads or range(1, min(os.cpu_count() or 1, _MOST_THREADS) + 1)))
    machine = [finding for finding in versions() if finding.what in ("board", "processor", "kernel")]
    model = _load(args, counts[0])
    first_ms = first_frame_ms(model)
    streams = measure_streams(model, streams=args.streams, frames=frames)
    with captured_native_log():  # the loop that is compared with brings an interpreter of its own
        measurement = measure(model, frames=frames)
    stages = measure_stages(model, args.clip or DEMO_CLIP)
    energy: Energy | str
    try:
        energy = measure_energy(stepper(model), Counters())
    except EnergyUnknown as unknown:
        energy = str(unknown)
    others = {count: _load(args, count) for count in counts[1:]}
    threads = measure_threads({counts[0]: model, **others}, frames=frames)
    return Bench(
        model=model.name,
        runtime=str(model.runtime),
        machine=(*machine, *power()),
        first_ms=first_ms,
        measurement=measurement,
        threads=threads,
        streams=streams,
        stages=stages,
        energy=energy,
    )


def _load(args: argparse.Namespace, threads: int) -> Model:
    """The model; one that is in no catalogue gets numbers for labels, which nobody reads here."""
    from movinet_edge.cli.download_progress import download_progress
    from movinet_edge.engine.runtime import open_session

    with download_progress(f"downloading {args.model or DEFAULT_MODEL}") as progress:
        if args.model is None:
            model = load(runtime=args.runtime, threads=threads, fast=not args.plain, progress=progress)
            args.model = model.name  # the same one with other numbers of threads, whatever the network does
            return model
        found = ModelStore().get(args.model, pull=True, progress=progress, check=check_interface)
    labels: Sequence[str] | None = None
    if found.card is None:
        labels = [str(number) for number in range(open_session(found.path, args.runtime).interface.classes)]
    return load(args.model, labels=labels, runtime=args.runtime, threads=threads, fast=not args.plain)


def _save_plot(bench: "Bench", path: Path) -> None:
    from rich.console import Console

    from movinet_edge.cli.bench_plot import save_bench_plot
    from movinet_edge.cli.bench_report import print_bench

    console = Console(file=io.StringIO(), record=True, width=100, highlight=False)
    print_bench(console, bench)
    save_bench_plot(bench, console.export_text(), path)
    print(f"movinet-edge: plot saved to {path}", file=sys.stderr)
