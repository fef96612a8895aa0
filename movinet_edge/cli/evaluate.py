"""`movinet-edge evaluate`: what would have been reported in videos, against what really happened in them."""

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from movinet_edge.api import ConfigurationError
from movinet_edge.cli import exit_codes
from movinet_edge.cli.model_arguments import add_model_arguments, given_model_arguments

if TYPE_CHECKING:
    from movinet_edge.cli.watched_stream import WatchedStream
    from movinet_edge.evaluation.figures import ActionFigures, Counts
    from movinet_edge.evaluation.intervals import Interval
    from movinet_edge.evaluation.sweep import Suggestion
    from movinet_edge.evaluation.tracks import Track

HELP = "how good is it? Reported events against what really happened"
DESCRIPTION = """\
Run videos through the whole path, compare the events with a list of what really happened, and tell for each action how
many were found, how many reports were false, and how late they came. --sweep looks for better thresholds."""
EPILOG = """\
TRUTH is one of
  a table (CSV or TSV) whose first line names the columns video, action, start and end; times in seconds or h:mm:ss
  JSON: [{"video": "a.mp4", "action": "fall", "start": 1.5, "end": 4}, ...]
  ActivityNet's JSON, ELAN's .eaf or its tab-delimited text, VIA's project or CSV
A video of which it says nothing is one in which nothing happens; a table with nothing but its first line is fine.

examples:
  movinet-edge evaluate *.mp4 --truth truth.csv --actions config/actions-example.yaml
  movinet-edge evaluate *.mp4 --truth truth.csv --config config.yaml --stream porch --sweep --report porch.html
  movinet-edge evaluate *.mp4 --truth falls.eaf --config config.yaml --map "Falling (BW)=fall" --sweep --write

A report counts as right when it and the real occurrence overlap by at least so much of their union; each real one is
found once at most."""

_OVERLAPS = (0.3, 0.5)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `evaluate`."""
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO", help="files that FFmpeg can read")
    parser.add_argument("--truth", type=Path, required=True, metavar="FILE", help="what really happened, see below")
    parser.add_argument(
        "--map", action="append", default=[], type=_pair, metavar="LABEL=ACTION", help="what the truth calls an action"
    )
    group = parser.add_argument_group("what to judge")
    what = group.add_mutually_exclusive_group(required=True)
    what.add_argument("--config", type=Path, metavar="FILE", help="a stream of this configuration, as it is set")
    what.add_argument("--actions", type=Path, metavar="FILE", help="the actions in this YAML file")
    group.add_argument("--stream", metavar="NAME", help="which stream, where the configuration has several")
    add_model_arguments(parser)
    group = parser.add_argument_group("how")
    group.add_argument(
        "--overlap", nargs="+", type=_share, default=_OVERLAPS, metavar="SHARE", help="least overlaps (0.3 0.5)"
    )
    group.add_argument("--sweep", action="store_true", help="look for better thresholds, times and smoothing")
    group.add_argument("--write", action="store_true", help="put what --sweep finds into the file it judges")
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="print the figures for programs")
    group.add_argument(
        "--report", type=Path, metavar="FILE", help="a page (.html) with the scores of every video, or curves (.png)"
    )


def _pair(text: str) -> tuple[str, str]:
    label, found, action = text.partition("=")
    if not (found and label.strip() and action.strip()):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form LABEL=ACTION")
    return label.strip(), action.strip()


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value <= 1.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number over 0 and up to 1")
    return value


def execute(args: argparse.Namespace) -> int:
    """Score the videos, judge, perhaps look for better, print."""
    from movinet_edge.cli.watched_stream import from_actions, from_configuration
    from movinet_edge.evaluation.figures import figures
    from movinet_edge.evaluation.tracks import replay
    from movinet_edge.evaluation.truth import of_videos, read_truth

    if args.write and not args.sweep:
        raise ConfigurationError("--write puts in what --sweep finds; give both")
    if args.stream is not None and args.config is None:
        raise ConfigurationError("--stream names a stream of --config")
    if args.config is not None and (given := given_model_arguments(args)):
        raise ConfigurationError(f"{given} goes with --actions; a stream of --config has the model and heads set there")
    if args.report is not None:
        from movinet_edge.cli.evaluate_report import check_report

        check_report(args.report)
    truth, strangers = of_videos(read_truth(args.truth), args.videos)
    stream = from_configuration(args.config, args.stream) if args.config else from_actions(args)
    truth, ignored = _named_as_actions(truth, dict(args.map), stream)
    _tell_of(args.truth, strangers, ignored, truth)
    tracks = _tracks(args.videos, stream)
    rules = stream.watch.rules
    found = [finding for track in tracks for finding in replay(track, rules, stream.settings)]
    hours = sum(track.length_s for track in tracks) / 3600
    judged = figures([rule.name for rule in rules], truth, found, hours=hours, overlaps=args.overlap)
    suggestions = _swept(tracks, truth, stream, args.overlap[-1]) if args.sweep else []
    if args.json:
        print(json.dumps(_as_json(judged, suggestions, hours, len(tracks)), indent=2, ensure_ascii=False))
    else:
        _print(judged, suggestions, hours, len(tracks))
    if args.report is not None:
        from movinet_edge.cli.evaluate_report import Outcome, save_report

        names = tuple(rule.name for rule in rules)
        save_report(args.report, Outcome(stream.model.name, names, tracks, truth, found, judged, suggestions))
        _note(f"report saved to {args.report}")
    if args.write:
        _write(stream, suggestions)
    return exit_codes.OK


def _named_as_actions(
    truth: Sequence["Interval"], names: Mapping[str, str], stream: "WatchedStream"
) -> tuple[list["Interval"], Counter[str]]:
    """The intervals with the names of actions, and how often which other names occur."""
    from dataclasses import replace

    actions = {rule.name.casefold(): rule.name for rule in stream.watch.rules}
    # What the truth calls by a label of the model means the action that has it, if there is but one.
    for rule in stream.watch.rules:
        for label in rule.labels:
            actions.setdefault(label.casefold(), rule.name)
    mapped = {label.casefold(): action for label, action in names.items()}
    for action in mapped.values():
        if action.casefold() not in actions:
            names_there = ", ".join(rule.name for rule in stream.watch.rules[:20])
            raise ConfigurationError(f"--map: there is no action {action!r}; there are: {names_there}")
    kept, ignored = [], Counter[str]()
    for interval in truth:
        known = actions.get(mapped.get(interval.action.casefold(), interval.action).casefold())
        if known is None:
            ignored[interval.action] += 1
        else:
            kept.append(replace(interval, action=known))
    return kept, ignored


def _tell_of(file: Path, strangers: Sequence[str], ignored: Counter[str], truth: Sequence["Interval"]) -> None:
    if strangers:
        more = f" and {len(strangers) - 3} others" if len(strangers) > 3 else ""
        _note(f"{file} also tells of videos that were not given: {', '.join(strangers[:3])}{more}")
    if ignored:
        names = ", ".join(f"{name} ({count})" for name, count in ignored.most_common(5))
        _note(f"no action is called so, and --map says nothing: {names}")
    if not truth:
        _note("nothing that is watched for happens in these videos, so every report is false")


def _tracks(videos: Sequence[Path], stream: "WatchedStream") -> list["Track"]:
    from movinet_edge.cli.progress import video_progress
    from movinet_edge.cli.video_length import total_length_s
    from movinet_edge.evaluation.tracks import record

    tracks = []
    with video_progress() as progress:
        total_s = None if progress.disable else total_length_s(list(videos))
        task, done_s = progress.add_task("scoring", total=total_s), 0.0
        for video in videos:
            tracks.append(
                record(
                    video,
                    stream.settings,
                    stream.model,
                    stream.watch,
                    on_frame=lambda time_s, before_s=done_s: progress.update(task, completed=before_s + time_s),  # type: ignore[misc]
                )
            )
            done_s += tracks[-1].length_s
        progress.update(task, completed=total_s)
    return tracks


def _swept(
    tracks: Sequence["Track"], truth: Sequence["Interval"], stream: "WatchedStream", overlap: float
) -> list["Suggestion"]:
    from rich.progress import Progress

    from movinet_edge.cli.consoles import stderr_console
    from movinet_edge.evaluation.sweep import sweep, trials

    console = stderr_console()
    with Progress(console=console, disable=not console.file.isatty()) as progress:
        task = progress.add_task("trying thresholds", total=len(trials()))
        return sweep(
            tracks,
            truth,
            stream.watch.rules,
            stream.settings,
            overlap=overlap,
            on_trial=lambda: progress.advance(task),
        )


def _print(judged: Sequence["ActionFigures"], suggestions: Sequence["Suggestion"], hours: float, videos: int) -> None:
    from movinet_edge.cli.consoles import stdout_console
    from movinet_edge.cli.evaluate_tables import print_figures, print_suggestions

    console = stdout_console()
    print_figures(console, judged, hours=hours, videos=videos)
    if suggestions:
        print_suggestions(console, suggestions)


def _as_json(
    judged: Sequence["ActionFigures"], suggestions: Sequence["Suggestion"], hours: float, videos: int
) -> dict[str, Any]:
    return {
        "videos": videos,
        "hours": round(hours, 6),
        "actions": [
            {
                "action": figures.action,
                "occurrences": figures.occurrences,
                "at": [_counts(counts) for counts in figures.counts],
                "report_delay_s": figures.report_delay_s,
                "end_error_s": figures.end_error_s,
                "false_per_hour": figures.false_per_hour,
            }
            for figures in judged
        ],
        "suggestions": [
            {
                "action": suggestion.action,
                "on": suggestion.trial.on,
                "off": suggestion.trial.off,
                "min_duration_s": suggestion.trial.min_duration_s,
                "half_life_s": suggestion.trial.half_life_s,
                "here": _counts(suggestion.counts),
                "elsewhere": None if suggestion.elsewhere is None else _counts(suggestion.elsewhere),
            }
            for suggestion in suggestions
        ],
    }


def _counts(counts: "Counts") -> dict[str, Any]:
    return {
        "overlap": counts.overlap,
        "right": counts.right,
        "false": counts.false,
        "missed": counts.missed,
        "precision": counts.precision,
        "recall": counts.recall,
        "f1": counts.f1,
    }


def _write(stream: "WatchedStream", suggestions: Sequence["Suggestion"]) -> None:
    from movinet_edge.cli.watched_stream import RELOAD_HINT, put_in

    if stream.settings.all_labels is not None:
        raise ConfigurationError("--write needs actions to write to, and this stream watches for all_labels")
    if not suggestions:
        raise ConfigurationError("nothing is written: no action that is watched for happens in these videos")
    values: dict[Any, Any] = {}
    for suggestion in suggestions:
        trial, place = suggestion.trial, (*stream.place, suggestion.action)
        values |= {(*place, "on"): trial.on, (*place, "off"): trial.off, (*place, "min_duration"): trial.min_duration_s}
    half_life_s = suggestions[0].trial.half_life_s
    smoothing = stream.settings.smoothing
    is_set = "smoothing" in stream.settings.model_fields_set
    if smoothing.type == "ema" and smoothing.half_life_s == half_life_s:
        pass
    elif stream.of_stream and not is_set:
        values[(*stream.place[:-1], "smoothing")] = {"type": "ema", "half_life": half_life_s}
    elif stream.of_stream and smoothing.type == "ema":
        values[(*stream.place[:-1], "smoothing", "half_life")] = half_life_s
    else:
        _note(f"for these thresholds the stream also needs smoothing: {{type: ema, half_life: {half_life_s:g}}}")
    put_in(stream, values)
    _note(f"{stream.file} has the new thresholds" + (RELOAD_HINT if stream.of_stream else ""))


def _note(text: str) -> None:
    import sys

    print(f"movinet-edge: {text}", file=sys.stderr)
