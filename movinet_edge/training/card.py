"""Measures a trained model and writes what came out: the model card that goes with the file."""

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path

from movinet_edge.argument_types import positive_int
from movinet_edge.engine import load_model
from movinet_edge.library import load
from movinet_edge.training.clips import HELD_SUBJECT, ClipFolder, clips_in
from movinet_edge.training.errors import InputError
from movinet_edge.training.evaluate import judge
from movinet_edge.training.events import falls_on, starts
from movinet_edge.training.falls import read_videos
from movinet_edge.training.figures import WATCHED, Figures, around_figures, as_json, with_figures
from movinet_edge.training.render.catalogue import NEARLY_LEARNED
from movinet_edge.training.running import drift_after, time_ratio
from movinet_edge.training.usage import errors_told, existing_file, file_to_write


def measure(  # one for each thing that is measured
    int8: Path,
    float32: Path,
    held: ClipFolder,
    *,
    falls: Path,
    scenes: Sequence[Path],
    window: int,
    against: str | None = None,
) -> Figures:
    """All figures of the card; takes some minutes.

    Raises:
        InputError: the folder of falls has no video of the held subject, or a file cannot be used.
    """
    model, unrounded = load_model(int8), load_model(float32)
    other = load(against) if against else None
    videos = [video for video in read_videos(falls) if video.subject == HELD_SUBJECT]
    if not videos:
        raise InputError(f"{falls}: no video of subject {HELD_SUBJECT}, of whom nothing was learnt")
    return Figures(
        hashlib.sha256(int8.read_bytes()).hexdigest(),
        judge(model, held, window),
        judge(unrounded, held, window),
        judge(model, held, window, without=NEARLY_LEARNED),
        falls_on(model, videos, window),
        tuple(
            (scene.name, tuple((event.started_s, event.action) for event in starts(model, scene, WATCHED, window)[0]))
            for scene in scenes
        ),
        window,
        drift_after(model, held, window),
        (time_ratio(model, other), other.name) if other else None,
    )


def main() -> None:
    """Measure a model and renew its card."""
    parser = argparse.ArgumentParser(
        prog="python -m movinet_edge.training.card",
        description=__doc__,
        epilog="example: python -m movinet_edge.training.card --int8 model.tflite --float32 model_f32.tflite "
        "--held clips/held --falls datasets/falls --scene demo.mp4 --card card.md --json figures.json",
    )
    parser.add_argument("--int8", type=existing_file, required=True, help="the model file that ships")
    parser.add_argument(
        "--float32", type=existing_file, required=True, help="the same weights, exported without ranges"
    )
    parser.add_argument("--held", type=Path, required=True, help="folder of shards that were never learnt")
    parser.add_argument("--falls", type=Path, required=True, help="folder of the falls data set")
    parser.add_argument(
        "--scene", type=existing_file, action="append", default=[], help="a video whose events are listed; any number"
    )
    parser.add_argument("--against", metavar="NAME|FILE", help="a model to compare the time per frame with, such as a0")
    parser.add_argument("--window", type=positive_int, default=16, help="frames that the pool remembers (default: 16)")
    parser.add_argument("--card", type=existing_file, help="Markdown file whose figures are replaced")
    parser.add_argument("--json", type=file_to_write, help="JSON file to write")
    arguments = parser.parse_args()
    with errors_told(parser):
        card = _read(arguments.card) if arguments.card else None
        figures = measure(
            arguments.int8, arguments.float32, clips_in([arguments.held], "held"), falls=arguments.falls,
            scenes=arguments.scene, window=arguments.window, against=arguments.against,
        )  # fmt: skip
        if arguments.json:
            arguments.json.write_text(as_json(figures) + "\n")
        if card is not None:
            arguments.card.write_text(with_figures(card, figures), encoding="utf-8")


def _read(card: Path) -> str:
    """The card's text, once it is sure that it has a place for figures, which take minutes."""
    try:
        text = card.read_text(encoding="utf-8")
        around_figures(text)
    except ValueError as error:
        raise InputError(f"{card}: {error}") from error
    return text


if __name__ == "__main__":
    main()
