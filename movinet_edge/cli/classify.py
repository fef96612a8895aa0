"""`movinet-edge classify`: what the model sees in videos, as a table and a timeline or as JSON lines."""

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from movinet_edge.api import ActionEvent, ConfigurationError, SourceError
from movinet_edge.argument_types import positive_float, positive_int
from movinet_edge.cli import exit_codes
from movinet_edge.cli.model_arguments import add_model_arguments, load_from_arguments

HELP = "see what the model finds in video files"
DESCRIPTION = """\
Run videos through the whole path (decode, model, smoothing, start and stop) as fast as this machine can, and show the
actions that were found. Without --actions every label of the model is watched for."""
EPILOG = """\
examples:
  movinet-edge classify garden.mp4
  movinet-edge classify *.mp4 --actions config/actions-example.yaml
  movinet-edge classify garden.mp4 --plot garden.png
  movinet-edge classify garden.mp4 --format jsonl --scores | jq .

With --format jsonl, standard output holds JSON lines only: one {"type":"scores",…} per scored frame (with --scores),
one {"type":"start"|"update"|"stop",…} per event, and a last {"type":"summary",…}. `t` is in seconds of video."""

_TOP = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `classify`."""
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO", help="files that FFmpeg can read")
    add_model_arguments(parser)
    group = parser.add_argument_group("what to look at")
    group.add_argument("--actions", type=Path, metavar="FILE", help="YAML file with the actions to watch for")
    group.add_argument("--memory", choices=("window", "cumulative"), default="window", help="(%(default)s)")
    group.add_argument("--window", type=positive_int, default=25, metavar="N", help="frames remembered (%(default)s)")
    group.add_argument("--fps", type=_fps, default=5.0, metavar="F|native", help="frames to score a second (5)")
    group.add_argument("--fit", choices=("stretch", "crop", "letterbox"), default="stretch", help="(%(default)s)")
    group.add_argument("--concat", action="store_true", help="several videos are one continuous stream")
    group.add_argument(
        "--skip-loop-filter", action="store_true", help="decode faster and slightly coarser (H.264 and H.265)"
    )
    group = parser.add_argument_group("output")
    group.add_argument(
        "--format",
        choices=("table", "jsonl"),
        help="table, or JSON lines for scripts; by default a table on a terminal, JSON lines elsewhere",
    )
    group.add_argument("--scores", action="store_true", help="also the five best labels of every frame (JSON lines)")
    group.add_argument("--plot", type=Path, metavar="FILE.png", help="save scores over time with the events shaded")


def _fps(text: str) -> float | None:
    return None if text == "native" else positive_float(text)


def execute(args: argparse.Namespace) -> int:
    """Classify all videos."""
    if args.format == "table" and args.scores:
        raise ConfigurationError("--scores belongs to --format jsonl")
    as_lines = args.format == "jsonl" or args.scores or (args.format is None and not sys.stdout.isatty())
    from movinet_edge.cli.clip_run import ClipRun

    if args.plot is not None:
        from movinet_edge.cli.plot import check_plot

        check_plot(args.plot)
    run = ClipRun(
        load_from_arguments(args),
        actions_file=args.actions,
        memory=args.memory,
        window=args.window,
        fps=args.fps,
        fit=args.fit,
        skip_loop_filter=args.skip_loop_filter,
    )
    output: _Lines | _Tables = _Lines(args.scores) if as_lines else _Tables()
    failed = 0
    began = time.perf_counter()
    for name, videos in _streams(args.videos, concat=args.concat):
        try:
            _classify(run, name, videos, output, args)
        except SourceError as error:
            failed += 1
            print(f"movinet-edge: {error}", file=sys.stderr)
    output.summary(run.totals, time.perf_counter() - began)
    return exit_codes.NO_INPUT if failed else exit_codes.OK


def _streams(videos: Sequence[Path], *, concat: bool) -> Iterator[tuple[str, list[Path]]]:
    if concat:
        yield _shown(videos[0].name), list(videos)
        return
    names = Counter(video.name for video in videos)
    for video in videos:  # cameras like to call the files in every folder alike
        yield _shown(video.name if names[video.name] == 1 else str(video)), [video]


def _shown(name: str) -> str:
    """The name of a file as text, also when it was written in an older encoding."""
    return os.fsencode(name).decode(errors="replace")


def _classify(run: Any, name: str, videos: list[Path], output: Any, args: argparse.Namespace) -> None:
    from movinet_edge.cli.progress import video_progress
    from movinet_edge.cli.video_length import total_length_s

    keep = not isinstance(output, _Lines) or args.plot is not None
    with video_progress() as progress:
        total_s = None if progress.disable else total_length_s(videos)
        task = progress.add_task(name, total=total_s)

        def on_frame(time_s: float, scores: NDArray[np.float32]) -> None:
            output.scores(name, time_s, scores, run.model)
            progress.update(task, completed=time_s)

        findings = run.classify(
            name, videos, concat=args.concat, on_frame=on_frame, on_event=output.event, keep_scores=keep
        )
        progress.update(task, completed=total_s)  # the last scored frame is a little before the end
    output.findings(name, findings)
    if args.plot is not None:
        from movinet_edge.cli.plot import save_plot

        path = args.plot
        if len(args.videos) > 1 and not args.concat:
            path = path.with_stem(f"{path.stem}-{name.replace('/', '_')}")
        save_plot(findings, path, name)
        print(f"movinet-edge: plot saved to {path}", file=sys.stderr)


class _Lines:
    """JSON lines on standard output."""

    def __init__(self, with_scores: bool) -> None:
        self._with_scores = with_scores

    def scores(self, stream: str, time_s: float, scores: NDArray[np.float32], model: Any) -> None:
        if self._with_scores:
            top = [[label, round(score, 6)] for label, score in model.top(scores, min(_TOP, model.classes))]
            self._write({"type": "scores", "stream": stream, "t": round(time_s, 4), "top": top})

    def event(self, event: ActionEvent) -> None:
        fields = event.model_dump(mode="json", by_alias=True)
        self._write({"type": event.event_type.value, "t": round(event.time_s, 4), **fields})

    def findings(self, name: str, findings: Any) -> None:
        pass

    def summary(self, totals: Any, elapsed_s: float) -> None:
        self._write(
            {
                "type": "summary",
                "frames_read": totals.frames_read,
                "frames_scored": totals.frames_scored,
                "seconds": round(totals.seconds, 3),
                "events": totals.events,
                "elapsed_s": round(elapsed_s, 3),
            }
        )

    @staticmethod
    def _write(line: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
        sys.stdout.flush()


class _Tables:
    """A table and a timeline per stream on standard output."""

    def __init__(self) -> None:
        from movinet_edge.cli.consoles import stdout_console

        self._console = stdout_console()

    def scores(self, stream: str, time_s: float, scores: NDArray[np.float32], model: Any) -> None:
        pass

    def event(self, event: ActionEvent) -> None:
        pass

    def findings(self, name: str, findings: Any) -> None:
        from movinet_edge.cli.report import print_report

        print_report(self._console, findings, name)

    def summary(self, totals: Any, elapsed_s: float) -> None:
        print(
            f"{totals.seconds:.1f} s of video, {totals.frames_scored} frames scored of {totals.frames_read} read, "
            f"{totals.events} events, in {elapsed_s:.1f} s ({totals.seconds / max(elapsed_s, 1e-9):.0f}× real time)"
        )
