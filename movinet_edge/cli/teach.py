"""`movinet-edge teach`: a head of your own from a handful of clips, on this machine."""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from movinet_edge.api import ConfigurationError
from movinet_edge.argument_types import not_negative_int, positive_duration
from movinet_edge.cli import exit_codes
from movinet_edge.cli.configured import add_config_argument
from movinet_edge.cli.model_arguments import add_model_arguments, load_from_arguments

if TYPE_CHECKING:
    from movinet_edge.heads import Head
    from movinet_edge.teaching.compare import Comparison
    from movinet_edge.teaching.examples import Example
    from movinet_edge.teaching.lesson import Lesson, SeenSoFar

HELP = "teach an action of your own from a few clips"
DESCRIPTION = """\
Make a head: a small classifier of your own action on top of the model, which stays as it is. It takes a few clips of
the action and a few of ordinary life, best from the same camera, and a minute or so. The head is tried out on
recordings that it has not seen, and what comes of that is said in plain words, with what to collect next."""
EPILOG = """\
examples:
  movinet-edge teach waving --examples clips/waving --background clips/ordinary
  movinet-edge teach gym --examples labels.csv
  movinet-edge teach waving --examples clips/waving --background rtsp://camera/live --background-for 5m
  movinet-edge teach waving --examples clips/waving --background porch --config config.yaml
  movinet-edge teach waving --from-events --config config.yaml
  movinet-edge teach waving --from-record waving.head.json

A folder holds clips of NAME; clips in a sub-folder have the sub-folder's name as their action (`background` for none).
A table (.csv, .tsv) has the columns file and label, and may have start_s, end_s and source. Clips of one source, such
as cuts of one recording, stay together when the head is tried out; by default that is the day in a file's name, or the
file itself.

The head is used as `heads: [./waving.head.json]` in the configuration, or with `classify --head ./waving.head.json`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `teach`."""
    parser.add_argument("name", metavar="NAME", help="of the head, and of the action unless a table tells more")
    group = parser.add_argument_group("what to learn from")
    group.add_argument(
        "--examples", nargs="+", default=[], metavar="FOLDER|TABLE|VIDEO", help="what the action looks like"
    )
    group.add_argument(
        "--background",
        nargs="+",
        default=[],
        metavar="FOLDER|TABLE|VIDEO|STREAM",
        help="what it does not look like; STREAM: a URL, or a name in --config",
    )
    group.add_argument(
        "--background-for",
        type=positive_duration,
        default=120.0,
        metavar="TIME",
        help="how long to look at a live background (2m)",
    )
    group.add_argument("--from-events", action="store_true", help="also what `movinet-edge events label` has kept")
    group.add_argument("--state-dir", type=Path, metavar="DIR", help="the daemon's folder, instead of --config")
    group.add_argument("--from-record", type=Path, metavar="HEAD", help="teach again what this head was taught")
    group = parser.add_argument_group("how")
    group.add_argument("--no-mirror", action="store_true", help="left and right mean something: show nothing mirrored")
    group.add_argument(
        "--seed", type=not_negative_int, default=0, metavar="N", help="for the division into parts (%(default)s)"
    )
    group.add_argument("--out", type=Path, metavar="FILE", help="the head (./NAME.head.json)")
    add_config_argument(parser)
    add_model_arguments(parser, heads=False)
    parser.set_defaults(refuse=parser.error)


def execute(args: argparse.Namespace) -> int:
    """Teach, say how good it is, and write the head."""
    if args.from_record and (args.examples or args.background or args.from_events):
        args.refuse("--from-record takes the examples from the record; leave the others out")
    if not (args.from_record or args.examples or args.from_events):
        args.refuse("give --examples, --from-events or --from-record: a head learns from examples")
    from movinet_edge.heads import read_head, write_head
    from movinet_edge.heads.file import SUFFIX
    from movinet_edge.teaching.report import sentences

    name = re.sub(r"[^A-Za-z0-9_-]+", "-", args.name).strip("-_")[:64]
    if not name:
        raise ConfigurationError(f"{args.name!r} cannot be the name of a head; use some letters or digits")
    out: Path = args.out or Path(name + SUFFIX)
    # Whatever would keep the head from being written must show before the work.
    if not out.absolute().parent.is_dir():
        raise ConfigurationError(f"{out.parent}: there is no such folder for the head")
    old = read_head(out) if out.exists() else None
    recorded = read_head(args.from_record) if args.from_record else None
    lesson = _lesson(args, name, recorded)
    comparisons = {} if old is None else _comparisons(old, lesson)
    for line in sentences(lesson, comparisons):
        print(line)
    written = _place(out, old, comparisons)
    write_head(lesson.head, written)
    if recorded is not None:
        print(_same(recorded, lesson.head))
    print(f"\nThe head is {written} ({written.stat().st_size / 1024:.0f} KiB). In a stream's configuration:")
    print(_snippet(lesson, written))
    return exit_codes.OK


def _lesson(args: argparse.Namespace, name: str, recorded: "Head | None") -> "Lesson":
    from movinet_edge.teaching.learning import FOLDS
    from movinet_edge.teaching.lesson import actions_of, teach
    from movinet_edge.teaching.record import record_of

    if recorded is not None:
        record = record_of(recorded)
        examples = [example.example() for example in record.examples]
        signals, mirror, seed, folds = record.signals, record.mirror, record.seed, record.folds
    else:
        examples = _examples(args)
        signals, mirror, seed, folds = None, not args.no_mirror, args.seed, FOLDS
    actions_of(examples)  # what is missing must show before a model is downloaded
    model = load_from_arguments(args, may_stand_in=False)  # the head works on no other model than this one
    with _progress(examples) as on_seen:
        return teach(name, examples, model, signals=signals, mirror=mirror, seed=seed, folds=folds, on_seen=on_seen)


def _examples(args: argparse.Namespace) -> "list[Example]":
    from movinet_edge.heads import BACKGROUND
    from movinet_edge.teaching.examples import read_examples, without_repeats

    examples = read_examples(args.examples, args.name.strip(), stream_s=args.background_for)
    streams = [item for item in args.background if _may_be_a_stream(item, args.config)]
    others = [item for item in args.background if item not in streams]
    examples += read_examples(others, BACKGROUND, stream_s=args.background_for)
    examples += [_stream(name, args) for name in streams]
    if args.from_events:
        from movinet_edge.daemon.event_labels import EventLabels
        from movinet_edge.teaching.from_events import examples_from_events

        found, without_clip = examples_from_events(EventLabels(_state_dir(args)), args.name.strip())
        examples += found
        if without_clip:
            print(f"{without_clip} labelled events have no clip and cannot be learned from", file=sys.stderr)
    return without_repeats(examples)


def _may_be_a_stream(item: str, config: Path) -> bool:
    """Whether it is to be looked for among the streams of the configuration: no address, and no file or folder."""
    path = Path(item).expanduser()
    return "://" not in item and path.name == item and not path.suffix and not path.exists() and config.is_file()


def _stream(name: str, args: argparse.Namespace) -> "Example":
    """Ordinary life, as a stream of the configuration shows it."""
    from movinet_edge.cli.probe_source import stream_source
    from movinet_edge.heads import BACKGROUND
    from movinet_edge.teaching.examples import Example, Span

    try:
        source = stream_source(args.config, name)
    except ConfigurationError as error:
        raise ConfigurationError(f"--background {name}: no such folder, and as a stream: {error}") from error
    return Example(name, (Span(BACKGROUND),), source.name, args.background_for, source.make)


def _state_dir(args: argparse.Namespace) -> Path:
    if args.state_dir is not None:
        return Path(args.state_dir)
    from movinet_edge.config import load

    return load(args.config).state_dir


@contextmanager
def _progress(examples: "Sequence[Example]") -> "Iterator[SeenSoFar]":
    from movinet_edge.cli.progress import video_progress
    from movinet_edge.cli.video_length import total_length_s

    with video_progress() as progress:
        lengths = [0.0] * len(examples)
        if not progress.disable:
            lengths = [example.seconds or total_length_s([Path(example.path)]) or 0.0 for example in examples]
        task = progress.add_task("looking at the examples", total=sum(lengths) or None)

        def seen(index: int, seconds: float) -> None:
            progress.update(task, completed=sum(lengths[:index]) + seconds)
            if index == len(examples) - 1 and seconds >= lengths[index] - 1.0:
                progress.update(task, description="learning from them")

        yield seen


def _comparisons(old: "Head", lesson: "Lesson") -> "dict[str, Comparison | str]":
    from movinet_edge.teaching.compare import compare

    return {action: compare(old, lesson, action) for action in lesson.head.classes}


def _place(out: Path, old: "Head | None", comparisons: "dict[str, Comparison | str]") -> Path:
    """Where the new head goes. An old one stays in its place when the new one is shown to be no better."""
    if old is None:
        return out
    from movinet_edge.heads.file import SUFFIX

    stem = out.name.removesuffix(SUFFIX)
    number = next(n for n in range(2, sys.maxsize) if not out.with_name(f"{stem}-{n}{SUFFIX}").exists())
    other = out.with_name(f"{stem}-{number}{SUFFIX}")
    judged = [one for one in comparisons.values() if not isinstance(one, str)]
    if judged and not any(one.new_is_better for one in judged):
        print(f"The old head stays in {out}, since the new one is not better.")
        return other
    out.replace(other)
    print(f"The old head is kept as {other}.")
    return out


def _same(old: "Head", new: "Head") -> str:
    import numpy as np

    if old.pool.shape != new.pool.shape or old.logits.shape != new.logits.shape:
        return "The record was taught again; the head that it came from looks at something else, so they differ."
    pairs = ((old.pool, new.pool), (old.logits, new.logits), (old.bias, new.bias))
    if all(np.array_equal(before, after) for before, after in pairs):
        return "It is the same head as the record's, number for number."
    largest = max(float(np.abs(before - after).max()) for before, after in pairs)
    return f"It differs from the record's head by {largest:.2g} at most: another machine or version computes otherwise."


def _snippet(lesson: "Lesson", written: Path) -> str:
    lines = [f"    heads: [{written if written.is_absolute() else f'./{written}'}]", "    actions:"]
    for action, figures in lesson.figures.items():
        on = f", on: {figures.on:.2f}" if figures is not None else ""
        lines.append(f"      {action}: {{labels: [{action}]{on}}}")
    return "\n".join(lines)
