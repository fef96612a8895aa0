"""`movinet-edge bench`: how long a frame takes on this machine, against the plain runtime loop in the same run."""

import argparse
import json
import sys

from movinet_edge.cli import exit_codes
from movinet_edge.cli.argument_types import positive_int
from movinet_edge.cli.model_arguments import add_model_arguments, load_from_arguments

HELP = "measure this machine"
DESCRIPTION = """\
Time single frames, in turn with the loop of the official example (signature runner, states copied both ways) and with
the runtime's bare run, so that a busy machine slows all three alike. One frame of a stream is due every 200 ms."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `bench`."""
    add_model_arguments(parser)
    parser.add_argument(
        "--frames", type=positive_int, default=300, metavar="N", help="frames of each kind (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print figures for programs")


def execute(args: argparse.Namespace) -> int:
    """Measure and print."""
    from movinet_edge.engine.measure import measure
    from movinet_edge.engine.native_log import captured_native_log

    model = load_from_arguments(args)
    with captured_native_log():  # the loop that is compared with brings an interpreter of its own
        figures = measure(model, frames=max(10, args.frames))
    if args.json:
        json.dump(figures.as_dict(), sys.stdout, indent=2)
        print()
        return exit_codes.OK
    print(f"{model.name} on {model.runtime}, {figures.frames} frames each, in turn")
    print(f"{'ms per frame':<42}{'p50':>8}{'p95':>8}{'p99':>8}")
    for timing in figures.timings:
        print(f"{timing.name:<42}{timing.p50_ms:>8.2f}{timing.p95_ms:>8.2f}{timing.p99_ms:>8.2f}")
    print(f"first frame: {figures.first_ms:.1f} ms")
    print(
        f"above the bare run: step {figures.overhead_ms:+.3f} ms, step_tensor {figures.prepared_overhead_ms:+.3f} ms; "
        f"example's loop / step: {figures.speedup:.2f}"
    )
    print(f"one core scores {figures.streams_per_core:.0f} streams at 5 fps (decoding comes on top)")
    return exit_codes.OK
