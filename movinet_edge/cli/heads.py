"""`movinet-edge heads`: which taught heads there are, and what is known of each: its card, for people."""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from movinet_edge.api import ModelError
from movinet_edge.cli import exit_codes

if TYPE_CHECKING:
    from movinet_edge.heads import Head, HeadCard

HELP = "list taught heads, or show the card of one"
DESCRIPTION = """\
List the heads that come with the package and those in this folder, with how good each was on recordings that it had
not seen. With names or files: all that their cards say, limits and licence included."""
EPILOG = """\
examples:
  movinet-edge heads
  movinet-edge heads fall
  movinet-edge heads ./waving.head.json --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `heads`."""
    parser.add_argument("heads", nargs="*", metavar="NAME|FILE", help="show these in full")
    parser.add_argument("--json", action="store_true", help="print the cards for programs")


def execute(args: argparse.Namespace) -> int:
    """List, or show."""
    from movinet_edge.heads import load_head, shipped_heads
    from movinet_edge.heads.file import SUFFIX

    given: Sequence[str] = args.heads or [
        *shipped_heads(),
        *(f"./{path}" for path in sorted(Path().glob(f"*{SUFFIX}"))),
    ]
    found: dict[str, Head] = {}
    for name in given:
        try:
            found[name] = load_head(name)
        except ModelError as error:
            if args.heads or args.json:
                raise
            print(f"cannot be used: {error}")
    if args.json:
        print(json.dumps([head.card.model_dump(mode="json") for head in found.values()], indent=2, ensure_ascii=False))
    elif args.heads:
        print("\n\n".join("\n".join(_lines(name, head.card)) for name, head in found.items()))
    else:
        _list(found)
    return exit_codes.OK


def _list(found: "dict[str, Head]") -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from movinet_edge.cli.consoles import stdout_console

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("head", "action", "model"):
        table.add_column(column, overflow="fold")
    for column in ("found", "mistaken", "AUC"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, head in found.items():
        for place, action in enumerate(head.classes):
            figures = head.card.figures.get(action, {})
            table.add_row(
                Text(name if place == 0 else ""),
                Text(action),
                Text(head.card.trunk.name if place == 0 else ""),
                _of(figures.get("found"), figures.get("examples")),
                _of(figures.get("mistaken"), figures.get("background")),
                "?" if figures.get("auc") is None else f"{figures['auc']:.2f}",
            )
    stdout_console(fold_in_pipes=False).print(table)
    print("found, mistaken: of examples and of background in recordings that it had not seen; `heads NAME` shows more")


def _of(count: float | None, of: float | None) -> str:
    return "?" if count is None or of is None else f"{count:.0f} of {of:.0f}"


def _lines(name: str, card: "HeadCard") -> Iterator[str]:
    yield from (f"{key:<12}{value}" for key, value in _facts(name, card) if value)
    for action, figures in card.figures.items():
        told = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in figures.items())
        yield f"{'tried out':<12}{action}: {told}"
    if not card.figures:
        yield f"{'tried out':<12}no: its examples came from too few recordings"
    for number, limit in enumerate(card.limits):
        yield f"{'limits' if number == 0 else '':<12}{limit}"
    if card.notice:
        yield f"\n{card.notice.strip()}"


def _facts(name: str, card: "HeadCard") -> Iterator[tuple[str, str]]:
    yield "name", card.name if card.name == name else f"{card.name} ({name})"
    yield "tells", ", ".join(card.classes)
    yield "what", card.description
    yield "model", f"{card.trunk.name}, sha256 {card.trunk.sha256}, and no other"
    yield "looks at", f"{card.fps:g} frames per second, window {card.memory_window}"
    yield "taught", card.created
    yield "with", ", ".join(f"{value} {key}" for key, value in card.data.items())
    yield "licence", card.licence
