"""`movinet-edge models`: which model files there are, which are here; fetch, verify and rewrite them."""

import argparse
import platform

from rich import box
from rich.table import Table
from rich.text import Text

from movinet_edge.api import ModelError
from movinet_edge.cli import exit_codes, models_optimize
from movinet_edge.cli.consoles import stdout_console
from movinet_edge.cli.download_progress import download_progress
from movinet_edge.cli.model_labels import SHORT_LIST, labels_of
from movinet_edge.models import FoundModel, ModelCard, ModelStore, recommended
from movinet_edge.models.catalogue import full_name

HELP = "list, show, pull, verify and optimize model files"
DESCRIPTION = """\
The official streaming MoViNet files, and builtin, which comes with the package. A name is looked up in the folders of
MOVINET_EDGE_MODEL_PATH (recognised by checksum, whatever the file is called), then in the cache, and is downloaded when
it is nowhere. a0, a1 and a2 are short for the int8 files."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verbs below `models`."""
    actions = parser.add_subparsers(dest="models_verb", metavar="list|show|pull|verify|optimize", required=True)
    actions.add_parser("list", help="the catalogue, and what of it is on this machine")
    show = actions.add_parser("show", help="all that is known of a model or a file")
    show.add_argument("name", metavar="NAME|PATH")
    pull = actions.add_parser("pull", help="download a model into the cache and check it")
    pull.add_argument("name", metavar="NAME")
    verify = actions.add_parser("verify", help="compare the files on this machine with their checksums")
    verify.add_argument("name", metavar="NAME", nargs="?")
    models_optimize.add_parser(actions)


def execute(args: argparse.Namespace) -> int:
    """Run the verb."""
    store = ModelStore()
    match args.models_verb:
        case "list":
            return _list(store)
        case "show":
            return _show(store, args.name)
        case "pull":
            return _pull(store, args.name)
        case "optimize":
            return models_optimize.execute(args, store)
        case _:
            return _verify(store, args.name)


def _list(store: ModelStore) -> int:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("name", no_wrap=True)
    for column in ("top-1 %", "input", "fps", "Pixel 4 ms", "MB"):
        table.add_column(column, justify="right")
    table.add_column("here", overflow="fold")
    for card in store.cards.values():
        found = store.find(card.name)
        not_here = "no; movinet-edge doctor says why" if card.bundled else "no"
        table.add_row(
            card.name,
            f"{card.top1_percent:.1f}" if card.top1_percent is not None else "–",
            f"{card.input_px}×{card.input_px}",
            f"{card.fps:g}",
            f"{card.pixel4_ms:.1f}" if card.pixel4_ms is not None else "–",
            f"{card.size_bytes / 1e6:.1f}" if card.size_bytes else "?",
            Text(str(found.path) if found else not_here),
        )
    stdout_console(fold_in_pipes=False).print(table)
    print("top-1 and Pixel 4 times are the publisher's, on Kinetics-600; `models pull NAME` fetches one")
    print(f"worth a try on this machine: {recommended(platform.machine())} (`models show` says why)")
    return exit_codes.OK


def _show(store: ModelStore, name: str) -> int:
    found = store.find(name)
    card = found.card if found else store.cards.get(full_name(name))
    if found is None and (card is None or card.bundled):
        found = store.get(name, pull=False)  # raises, with what is wrong and the nearest names
    on_disk = [("on disk", f"no; movinet-edge models pull {name}")] if found is None else _file_lines(found)
    for key, value in [*_card_lines(card), *on_disk]:
        print(f"{key:<14}{value}")
    return exit_codes.OK


def _card_lines(card: ModelCard | None) -> list[tuple[str, str]]:
    if card is None:
        return [("name", "not in the catalogue")]
    return [
        ("name", card.name),
        ("family", f"{card.family}, {card.quantisation}, version {card.version}"),
        ("input", f"{card.input_px}×{card.input_px} px, {card.fps:g} frames per second"),
        ("labels", _labels(card)),
        *_published(card),
        ("licence", card.licence),
        ("checksum", _checksum(card)),
        *[("address", url) for url in card.urls],
        *([("notes", card.notes)] if card.notes else []),
        *([("card", str(card.document))] if card.document else []),
    ]


def _labels(card: ModelCard) -> str:
    labels = labels_of(card, None)
    if len(labels) <= SHORT_LIST:
        return f"{card.labels}: {', '.join(labels)}"
    return f"{card.labels}: {len(labels)} of them, one a line in {card.labels_file}"


def _published(card: ModelCard) -> list[tuple[str, str]]:
    if card.top1_percent is None or card.pixel4_ms is None:
        return []
    return [
        ("top-1", f"{card.top1_percent:.1f} % on Kinetics-600 (published)"),
        ("Pixel 4", f"{card.pixel4_ms:.2f} ms per frame on the CPU (published)"),
    ]


def _checksum(card: ModelCard) -> str:
    if card.sha256:
        return f"sha256 {card.sha256}"
    if card.git_blob:
        return f"git blob {card.git_blob}"
    return "not published; the first download is pinned on this machine"


def _file_lines(found: FoundModel) -> list[tuple[str, str]]:
    from movinet_edge.engine.runtime import open_session

    session = open_session(found.path)
    interface = session.interface
    pools = sum(pool.channels for pool in interface.pools)
    return [
        ("on disk", f"{found.path} ({found.path.stat().st_size:,} bytes, found by {found.origin})"),
        ("interface", f"signature {interface.signature!r}, image {interface.size_px[0]}×{interface.size_px[1]} px,"),
        ("", f"{interface.classes} classes, {len(interface.states)} states, {pools} pool channels"),
        ("runtime", str(session.runtime)),
        *([] if found.card else [("labels", _own_labels(found))]),
    ]


def _own_labels(found: FoundModel) -> str:
    try:
        labels = labels_of(None, found)
    except ModelError as error:  # which keeps it from running, but not from being shown
        return str(error)
    if len(labels) <= SHORT_LIST:
        return ", ".join(labels)
    return f"{len(labels)} of them, packed into the file or beside it"


def _pull(store: ModelStore, name: str) -> int:
    from movinet_edge.library import check_interface

    with download_progress(name) as progress:
        found = store.pull(name, progress=progress, check=check_interface)
    print(found.path)
    if found.pinned_sha256:
        print(f"no checksum is published for {name}; {found.pinned_sha256} is now the one this machine expects")
    return exit_codes.OK


def _verify(store: ModelStore, name: str | None) -> int:
    results = store.verify(name)
    here = [result for result in results if result.expected or name is not None]
    for result in here:
        print(f"{result.name:<22}{result.status:<11}{result.path or ''}  {result.detail}".rstrip())
        if result.remedy:
            print(f"→ {result.remedy}")
    return exit_codes.OK if all(result.usable for result in here) else exit_codes.FAILURE
