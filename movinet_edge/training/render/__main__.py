"""`python -m movinet_edge.training.render`: writes training clips, a sheet to look at or the demo clip, or compares."""

import argparse
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from movinet_edge.argument_types import not_negative_int, positive_int
from movinet_edge.training.labels import LABELS
from movinet_edge.training.render.assets import Assets
from movinet_edge.training.render.catalogue import SPLITS
from movinet_edge.training.render.demo import write_demo
from movinet_edge.training.render.nearness import NEAR_DEGREES, nearest_of_each
from movinet_edge.training.render.preview import write_sheet
from movinet_edge.training.render.shards import render
from movinet_edge.training.usage import file_to_write


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line says."""
    options = _parser().parse_args(arguments)
    try:
        _make(options)
    except (OSError, ValueError) as error:
        raise SystemExit(str(error)) from error
    except KeyboardInterrupt:
        kept = " The shards that are written stay; --resume goes on after them." if options.out is not None else ""
        sys.stderr.write(f"Stopped.{kept}\n")
        raise SystemExit(130) from None


def _make(options: argparse.Namespace) -> None:
    if options.preview is not None:
        labels = tuple(options.classes.split(",")) if options.classes else LABELS
        unknown = [label for label in labels if label not in LABELS]
        if unknown:
            nearest = get_close_matches(unknown[0], LABELS, 1)
            hint = f"did you mean {nearest[0]!r}?" if nearest else f"known are {', '.join(LABELS)}"
            raise SystemExit(f"--classes: there is no class {unknown[0]!r}; {hint}")
        write_sheet(options.preview, options.assets, options.split, options.seed, labels=labels, each=options.each)
    elif options.demo is not None:
        write_demo(options.demo, options.assets, options.seed)
    elif options.near:
        _compare(options)
    elif options.out is not None:
        _render(options)
    else:
        raise SystemExit("say what to make: --out FOLDER for clips, --preview SHEET.png, --demo CLIP.mp4, or --near")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m movinet_edge.training.render",
        description="Render training clips: 24 frames of 192×192 pixels at 5 frames a second, a class for each frame.",
        epilog="example: python -m movinet_edge.training.render --assets assets --out data --split train --clips 8000",
    )
    parser.add_argument(
        "--assets", type=Path, required=True, help="the folder with mesh2motion/, kaykit/, bvh/ and the two packages"
    )
    parser.add_argument("--out", type=Path, help="write shards to this folder, under the name of the split")
    parser.add_argument(
        "--split", choices=SPLITS, default="train", help="which motions, people and places (default: train)"
    )
    parser.add_argument("--clips", type=positive_int, default=1000, help="how many (default: 1000)")
    parser.add_argument(
        "--seed", type=not_negative_int, default=1, help="another seed, other clips; the same, the same (default: 1)"
    )
    parser.add_argument("--jobs", type=positive_int, default=2, help="how many processes (default: 2)")
    parser.add_argument(
        "--resume", action="store_true", help="keep the shards that are there already and hold just these clips"
    )
    parser.add_argument("--preview", type=file_to_write, metavar="SHEET.png", help="write a contact sheet instead")
    parser.add_argument(
        "--demo", type=file_to_write, metavar="CLIP.mp4", help="write the demo clip of the package instead"
    )
    parser.add_argument(
        "--near", action="store_true", help="say how near training comes to each motion that is held out instead"
    )
    parser.add_argument("--classes", help="for --preview: these only, separated by commas")
    parser.add_argument("--each", type=positive_int, default=1, help="for --preview: clips of each class (default: 1)")
    return parser


def _render(options: argparse.Namespace) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        task = progress.add_task(f"{options.split} clips", total=options.clips)
        for _, count in render(
            options.assets, options.out, options.split, options.clips, options.seed,
            jobs=options.jobs, resume=options.resume,
        ):  # fmt: skip
            progress.advance(task, count)


def _compare(options: argparse.Namespace) -> None:
    found = sorted(nearest_of_each(Assets(options.assets)), key=lambda each: each.degrees)
    rows = [("held out", "nearest in training", f"degrees (below {NEAR_DEGREES:.0f} is near)")]
    rows += [(each.held.source, each.learned.source, f"{each.degrees:.0f}") for each in found]
    sys.stdout.writelines(f"{held:38} {learned:42} {degrees}\n" for held, learned, degrees in rows)


if __name__ == "__main__":
    main()
