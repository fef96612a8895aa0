"""`movinet-edge models optimize`: what rewriting a model file does, pass by pass, and what it gains on this machine."""

import argparse
import json
import sys
import textwrap
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from movinet_edge.api import ModelError
from movinet_edge.argument_types import positive_int
from movinet_edge.cli import exit_codes
from movinet_edge.cli.consoles import stdout_console
from movinet_edge.models import ModelStore

if TYPE_CHECKING:
    from movinet_edge.engine.examination import Examination
    from movinet_edge.engine.rewrite import Difference

HELP = "rewrite a model for speed, show what that does, and keep the outcome"
DESCRIPTION = """\
Rewrites a model file as every verb that loads a model does by itself, proves it beside the untouched file, shows what
each pass changed and what it gains on this machine, and keeps the outcome for the next start. The file itself is not
touched; `fast: false` in the configuration, and `--plain` where there is that option, run it as it is."""
EPILOG = """\
examples:
  movinet-edge models optimize movinet-a0-int8
  movinet-edge models optimize ./mine.tflite --explain
"""

_EFFECTS = {"none": "bit-exact", "rounding": "rounding", "values": "other arithmetic"}


def add_parser(actions: Any) -> None:
    """The verb below `models`."""
    parser = actions.add_parser(
        "optimize",
        help=HELP,
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME|PATH")
    parser.add_argument("--explain", action="store_true", help="say of each pass what it looks for and what it needs")
    parser.add_argument("--json", action="store_true", help="print everything for programs")
    parser.add_argument(
        "--frames", type=positive_int, default=200, metavar="N", help="frames to time of each form (%(default)s)"
    )


def execute(args: argparse.Namespace, store: ModelStore) -> int:
    """Rewrite, measure and print.

    Raises:
        ModelError: there is no such model, or it cannot be rewritten; the text says why.
    """
    found = store.get(args.name, pull=False)
    try:
        from movinet_edge.engine.examination import examine
        from movinet_edge.engine.rewrite import RewriteRefused, explanation
    except ImportError as error:
        raise ModelError(f"rewriting needs LiteRT ({error}); install it with: pip install ai-edge-litert") from error
    try:
        examination = examine(found.path, frames=args.frames, cache=store.rewritten)
    except RewriteRefused as error:
        raise ModelError(f"{found.path} is not rewritten, it runs as it is: {error}") from error
    if args.json:
        figures = {"model": found.name, "path": str(found.path), **examination.as_dict()}
        if args.explain:
            figures["explanations"] = {report.name: explanation(report.name) for report in examination.reports}
        json.dump(figures, sys.stdout, indent=2)
        print()
    else:
        _print(found.name, examination, explain=args.explain)
    return exit_codes.OK


def _print(name: str, seen: "Examination", *, explain: bool) -> None:
    console = stdout_console(fold_in_pipes=False)
    console.print(Text(f"{name}: {seen.family}, rewritten and proved in {seen.took_s:.1f} s, on {seen.runtime}"))
    console.print(_forms(seen))
    console.print(_passes(seen))
    for report in seen.reports:
        for reason in report.left:
            console.print(Text(f"{report.name} left {reason}"))
    frames = seen.proof.structure.frames
    console.print(Text(f"on {frames} frames of the self-test, against the file as it is:"))
    console.print(Text(f"  by other arithmetic         {_difference(seen.proof.arithmetic)}"))
    console.print(Text(f"  by everything else          {_difference(seen.proof.structure)}"))
    if explain:
        _explain(seen)


def _forms(seen: "Examination") -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for column in ("operators", "XNNPACK partitions", "ms per frame", "MB"):
        table.add_column(column, justify="right")
    for name, form in (("as it is", seen.before), ("rewritten", seen.after)):
        table.add_row(
            name, str(form.operators), str(form.partitions), f"{form.frame_ms:.2f}", f"{form.size_bytes / 1e6:.1f}"
        )
    table.add_row("", "", "", f"{seen.faster:.1f}× faster", "")
    return table


def _passes(seen: "Examination") -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("pass", no_wrap=True)
    table.add_column("places", justify="right")
    table.add_column("operators then", justify="right")
    table.add_column("logits", no_wrap=True)
    table.add_column("what it does", overflow="fold")
    for report in seen.reports:
        effect = _EFFECTS[report.effect] if report.changed else "–"
        table.add_row(report.name, str(report.changed or "–"), str(report.operators), effect, report.does)
    return table


def _difference(difference: "Difference") -> str:
    return (
        f"a logit moves by at most {difference.largest_logit:.2g} ({difference.largest:.2g} of the logits' spread), "
        f"correlation {difference.correlation:.6f}, same best label in {difference.same_top} frames"
    )


def _explain(seen: "Examination") -> None:
    from movinet_edge.engine.rewrite import explanation

    for report in seen.reports:
        done = f"{report.changed} places" if report.changed else "its pattern is absent here"
        print(f"\n{report.name}: {done}")
        print(textwrap.indent(explanation(report.name), "  "))
