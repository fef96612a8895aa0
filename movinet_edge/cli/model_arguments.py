"""The options that say which model runs and how; the same for every verb that loads one."""

import argparse

from movinet_edge.cli.argument_types import positive_int
from movinet_edge.cli.download_progress import download_progress
from movinet_edge.library import DEFAULT_MODEL, Model, load
from movinet_edge.taught import TaughtModel, load_heads


def add_model_arguments(parser: argparse.ArgumentParser, *, heads: bool = True) -> None:
    """`--model`, `--labels`, `--runtime`, `--threads`, `--plain`, and `--head` where `heads` can be used."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model", default=DEFAULT_MODEL, metavar="NAME|PATH", help="catalogue name or .tflite file (%(default)s)"
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
        "--model": args.model != DEFAULT_MODEL,
        "--labels": args.labels is not None,
        "--head": bool(args.heads),
        "--runtime": args.runtime != "auto",
        "--threads": args.threads != 1,
        "--plain": args.plain,
    }
    return next((option for option, is_given in given.items() if is_given), None)


def load_from_arguments(args: argparse.Namespace) -> Model:
    """The model that the options name, downloaded when it is missing."""
    with download_progress(f"downloading {args.model}") as progress:
        model = load(
            args.model,
            labels=args.labels,
            runtime=args.runtime,
            threads=args.threads,
            fast=not args.plain,
            progress=progress,
        )
    return TaughtModel(model, load_heads(args.heads)) if args.heads else model
