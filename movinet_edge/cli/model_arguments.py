"""The options that say which model runs and how; the same for every verb that loads one."""

import argparse
from pathlib import Path

from movinet_edge.argument_types import positive_int
from movinet_edge.cli.download_progress import download_progress
from movinet_edge.library import BUILTIN_MODEL, DEFAULT_MODEL, Model, load
from movinet_edge.taught import TaughtModel, load_heads


def add_model_arguments(parser: argparse.ArgumentParser, *, heads: bool = True) -> None:
    """`--model`, `--labels`, `--runtime`, `--threads`, `--plain`, and `--head` where `heads` can be used."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model",
        metavar="NAME|PATH",
        help=f"catalogue name or .tflite file ({DEFAULT_MODEL}, or {BUILTIN_MODEL} where that cannot be fetched)",
    )
    group.add_argument(
        "--labels", metavar="NAME|PATH", help="label list by name or text file; by default the one of the model"
    )
    group.add_argument("--runtime", choices=("auto", "litert", "tflite"), default="auto", help="what runs the model")
    group.add_argument("--threads", type=positive_int, default=1, metavar="N", help="for one inference (%(default)s)")
    group.add_argument("--plain", action="store_true", help="run the file as it is, not rewritten for speed")
    parser.set_defaults(heads=[])
    if heads:
        group.add_argument(
            "--head",
            action="append",
            dest="heads",
            metavar="NAME|PATH",
            help="a taught head, whose actions become labels (fall, ./waving.head.json); can be repeated",
        )


def given_model_arguments(args: argparse.Namespace) -> str | None:
    """The first of these options that was given, for verbs that take the model from elsewhere."""
    given = {
        "--model": args.model is not None,
        "--labels": args.labels is not None,
        "--head": bool(args.heads),
        "--runtime": args.runtime != "auto",
        "--threads": args.threads != 1,
        "--plain": args.plain,
    }
    return next((option for option, is_given in given.items() if is_given), None)


def load_from_arguments(args: argparse.Namespace, *, may_stand_in: bool = True) -> Model:
    """The model that the options name, downloaded when it is missing.

    Where they name none and the default one cannot be fetched, the package's own stands in if `may_stand_in` allows it,
    no head is used, and it knows what `--actions` asks for.

    Raises:
        ConfigurationProblems: the file of `--actions` is wrong.
    """
    may_stand_in = may_stand_in and not args.heads and _builtin_knows(getattr(args, "actions", None))
    with download_progress(f"downloading {args.model or DEFAULT_MODEL}") as progress:
        model = load(
            args.model or (None if may_stand_in else DEFAULT_MODEL),
            labels=args.labels,
            runtime=args.runtime,
            threads=args.threads,
            fast=not args.plain,
            progress=progress,
        )
    return TaughtModel(model, load_heads(args.heads)) if args.heads else model


def _builtin_knows(actions: Path | None) -> bool:
    if actions is None:
        return True
    from movinet_edge.config import load_actions
    from movinet_edge.daemon.stand_in import builtin_knows

    return builtin_knows(load_actions(actions))
