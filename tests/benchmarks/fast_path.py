"""All figures of the fast path in one table: what was asked for, what was found.

    python tests/benchmarks/fast_path.py --models FOLDER [--exports FOLDER] [--looped MP4] [--film MP4] [--markdown]

MODELS holds the official A0 int8 file and the two `*_cattle7` ones. EXPORTS holds a0, a1 and a2 as made by
tf-models-official's export_saved_model.py and TensorFlow's converter: `a0_f16.tflite`, `a0_f32.tflite`,
`a1_f16.tflite`, `a2_f16.tflite`, and `a0_f16.onnx`, which tf2onnx made of the first. LOOPED is a clip in which one
action goes on from beginning to end and the model is sure of it: the figure given is that of a man carving ice, 4 s
long, score 0.98. The rows of what is not there are left empty and say so. Each file runs in a process of its own, see
`rewrite.py`; other runtimes need `other_runtimes.py`'s packages; cameras need GStreamer, see `daemon_memory.py`.
`instructions.py` counts what is saved on the processors of a Raspberry Pi.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rewrite import Ours

from movinet_edge.api import FrameRequest
from movinet_edge.engine.native_log import captured_native_log
from movinet_edge.engine.preprocess import Preprocessor
from movinet_edge.engine.rewrite import HostedSession, read_signature, rewrite
from movinet_edge.engine.scores import softmax
from movinet_edge_plugins.file import FileSettings, FileSource

HERE = Path(__file__).resolve().parent
OFFICIAL, INT8_SE, DYNAMIC_SE = (
    "movinet_a0_stream_int8_v1.tflite",
    "movinet_a0_stream_int8_cattle7.tflite",
    "movinet_a0_stream_dynamic_cattle7.tflite",
)
LOOPED_FRAMES, SETTLED_FRAMES = 1000, 60


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what is measured, of what, what is needed and aimed for, and what was found.

    `needed` is a lower bound where `at_least`; `found` is None where it could not be measured, and `remark` says why.
    """

    measure: str
    of: str
    needed: float
    aim: float | None
    found: float | None
    at_least: bool = False
    remark: str = ""

    @property
    def verdict(self) -> str:
        """Whether that is enough."""
        if self.found is None:
            return self.remark
        if not (self.found >= self.needed if self.at_least else self.found <= self.needed):
            return "MISSED"
        reached = self.aim is not None and (self.found >= self.aim if self.at_least else self.found <= self.aim)
        return "aim reached" if reached else "met"

    def cells(self) -> tuple[str, ...]:
        """For a table."""
        sign = "≥" if self.at_least else "≤"
        aim = "" if self.aim is None else f"{self.aim:g}"
        found = "" if self.found is None else f"{self.found:.3g}"
        return self.measure, self.of, f"{sign} {self.needed:g}", aim, found, self.verdict


HEADINGS = ("measure", "of", "needed", "aim", "found", "")


class Files:
    """Figures of model files, each measured once, by `rewrite.py` in a process of its own."""

    def __init__(self, models: Path, exports: Path | None, rows: int) -> None:
        self.models, self._exports, self._rows = models, exports, rows
        self._known: dict[tuple[str, bool], Any] = {}

    def path(self, name: str) -> Path | None:
        """Where a file is."""
        places = [folder / name for folder in (self.models, self._exports) if folder is not None]
        return next((path for path in places if path.is_file()), None)

    def figures(self, name: str, *, as_floats: bool = False) -> Any:
        """As `rewrite.py` prints them; None where the file is not there."""
        path = self.path(name)
        if path is None:
            return None
        key = name, as_floats
        if key not in self._known:
            flags = ["--float"] if as_floats else []
            self._known[key] = run_json("rewrite.py", str(path), "--rows", str(self._rows), "--json", *flags)
        return self._known[key]


def run_json(script: str, *arguments: str) -> Any:
    """The last line that a benchmark prints; what it says about its failing is said again."""
    print(f"{script} {' '.join(Path(argument).name for argument in arguments)}", file=sys.stderr, flush=True)
    done = subprocess.run([sys.executable, str(HERE / script), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"{script} failed")
    return json.loads(done.stdout.splitlines()[-1])


def file_rows(files: Files) -> Iterator[Row]:
    """What `rewrite.py` measures."""

    def row(measure: str, of: str, file: str, bounds: tuple[float, float | None], read: Callable[[Any], float]) -> Row:
        figures = files.figures(file)
        found, remark = (None, f"{file} is not there") if figures is None else (read(figures), "")
        return Row(measure, of, *bounds, found, at_least="÷ ours" in measure, remark=remark)

    for of, file, bounds in (
        ("official A0 int8", OFFICIAL, (1.8, 2.1)),
        ("cattle7 int8", INT8_SE, (9.0, 12.0)),
        ("cattle7 dynamic", DYNAMIC_SE, (5.0, 6.5)),
        *((f"{size} float16", f"{size.lower()}_f16.tflite", (1.8, 2.2)) for size in ("A0", "A1", "A2")),
    ):
        yield row("signature runner ÷ ours", of, file, bounds, lambda f: f["times"]["speedup"])
    for of, file, bounds in (
        ("official A0 int8", OFFICIAL, (0.75, 0.6)),
        ("A0 with SE, float16", "a0_f16.tflite", (1.15, 0.95)),
        ("A1 float16", "a1_f16.tflite", (1.1, 0.85)),
        ("A2 float16", "a2_f16.tflite", (1.1, 0.95)),
    ):
        yield row("ours per sgemm of as many products", of, file, bounds, lambda f: f["times"]["per_sgemm"])
    yield row("above the bare run, ms", "official A0 int8", OFFICIAL, (0.1, None), lambda f: f["times"]["overhead_ms"])
    yield row(
        "largest logit difference, 20 frames",
        "A0 float32",
        "a0_f32.tflite",
        (1e-4, 2e-6),
        lambda f: max(f["logits_by_arithmetic"], f["logits_by_structure"]),
    )
    for of, file in (("official A0 int8", OFFICIAL), ("cattle7 int8", INT8_SE)):
        yield row("8 streams, ms per frame ÷ 1 stream", of, file, (1.2, None), lambda f: f["streams_ratio"])
        yield row("8 streams, MB per further stream", of, file, (5.0, None), lambda f: f["stream_mb"])


def looped_row(files: Files, clip: Path | None) -> Row:
    """The best label's score while a clip goes round and nothing is forgotten, from whole round to whole round."""
    title, of = f"top-1 score over {LOOPED_FRAMES} looped frames moves by", "official A0 int8"
    path = files.path(OFFICIAL)
    if path is None or clip is None:
        missing = OFFICIAL if path is None else "the clip (--looped)"
        return Row(title, of, 0.02, None, None, remark=f"{missing} is not there")
    with captured_native_log():
        content = path.read_bytes()
        session = HostedSession(rewrite(content), read_signature(content))
        frames = clip_frames(clip, session.interface.size_px)
        scores = looped_scores(Ours(session), frames)
    # At the end of each round, when all its frames weigh alike; the first frames of all had no past.
    rounds = scores[len(frames) - 1 :: len(frames)][SETTLED_FRAMES // len(frames) :]
    return Row(title, f"{of}, {clip.stem}", 0.02, None, float(np.ptp(rounds[:, rounds[0].argmax()])))


def looped_scores(stream: Ours, frames: np.ndarray) -> np.ndarray:
    """Scores of each frame."""
    return np.array([softmax(stream.logits(frames[index % len(frames)])) for index in range(LOOPED_FRAMES)])


def clip_frames(clip: Path, size_px: tuple[int, int]) -> np.ndarray:
    """The clip at 5 fps: float32 `[n, height, width, 3]`."""
    prepare = Preprocessor(*size_px, fit="stretch", roi=None)
    found = []
    source = FileSource(FileSettings(path=clip))
    for frame in source.frames(FrameRequest(5.0, prepare.frame_size)):
        found.append(np.empty((size_px[1], size_px[0], 3), np.float32))
        prepare.into(frame.image, frame.colour, found[-1])
    source.close()
    return np.array(found)


def other_runtime_rows(files: Files) -> Iterator[Row]:
    """Each of them ÷ ours, as `other_runtimes.py` measures it."""
    title = "other runtime ÷ ours, same weights"
    path, converted = files.path("a0_f16.tflite"), files.path("a0_f16.onnx")
    if path is None:
        yield Row(title, "A0 float16", 2.0, None, None, at_least=True, remark="a0_f16.tflite is not there")
        return
    try:
        found = run_json(
            "other_runtimes.py", str(path), "--json", *(["--onnx", str(converted)] if converted is not None else [])
        )
    except RuntimeError as error:
        yield Row(title, "A0 float16", 2.0, None, None, at_least=True, remark=str(error))
        return
    for figures in found:
        if not figures["name"].startswith(("ours", "TFLite")):
            yield Row(title, figures["name"], 2.0, None, figures["per_ours"], at_least=True)


def memory_row(files: Files, film: Path | None) -> Row:
    """Eight cameras."""
    title, of = "peak memory of `run`, MB", "8 RTSP streams of 1080p25"
    try:
        found = run_json(
            "daemon_memory.py",
            "--json",
            f"--set=MOVINET_EDGE_MODEL_PATH={files.models.resolve()}",
            *(["--film", str(film)] if film else []),
        )
    except RuntimeError as error:
        return Row(title, of, 220.0, None, None, remark=str(error))
    return Row(title, of, 220.0, None, found["rss_mb"])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--exports", type=Path)
    parser.add_argument("--looped", type=Path, metavar="MP4", help="a clip of one action alone")
    parser.add_argument("--film", type=Path, help="for daemon_memory.py")
    parser.add_argument("--rows", type=int, default=30)
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    files = Files(args.models, args.exports, args.rows)
    rows = [*file_rows(files), looped_row(files, args.looped), *other_runtime_rows(files), memory_row(files, args.film)]
    cells = [HEADINGS, *(row.cells() for row in rows)]
    if args.markdown:
        lines = [f"| {' | '.join(line)} |" for line in cells]
        lines.insert(1, "|---" * len(HEADINGS) + "|")
    else:
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)) for line in cells]
    print("\n".join(line.rstrip() for line in lines))
    if any(row.verdict == "MISSED" for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
