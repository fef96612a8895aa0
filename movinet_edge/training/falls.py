"""Cuts the clips of the falls data set into shards: the only real video that is trained on, one subject held out.

GMDCSA24 by Ekram Alam (https://github.com/ekramalam/GMDCSA24-A-Dataset-for-Human-Fall-Detection-in-Videos, MIT): videos
of people who fall and of their daily life, with the seconds of each class. The folder's `labels.tsv` has the columns
file, group, description and classes_seconds, with tabs between them; the first and the last are read. README.md of
`training/` shows a row, and tells which videos the model of the package has learnt from.
"""

import argparse
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from movinet_edge.api import FrameRequest, SourceEnded
from movinet_edge.daemon.plugins import discover_plugins
from movinet_edge.training.clips import CLIP_FPS, FRAMES_PER_CLIP, HELD_SUBJECT, write_shard
from movinet_edge.training.errors import InputError
from movinet_edge.training.labels import LABELS, UNLABELLED
from movinet_edge.training.usage import errors_told

_FALL_LASTS_S = 1.8
"""The data set's falling spans go on while the person lies; the fall itself is about this long."""
_STEP_FRAMES = 4
"""Between the beginnings of two clips cut from one video."""
_JPEG_QUALITY, _SIZE_PX = 90, 192
_NAME = re.compile(r"subject_(\d+)_")
_CLASS = re.compile(r"(?P<name>[^\[\]\d,]+?)\s*(?:\[(?P<spans>[^\[\]]*)\])?")
_SPAN = re.compile(r"(\d*\.?\d+)\s*to\s*(\d*\.?\d+)")
# Later ones win where spans overlap. People who sit, read or eat are idle; exercising has no class here.
_CLASSES = (("sitting", "idle"), ("reading", "idle"), ("eating", "idle"), ("drinking", "idle"), ("standing", "idle"),
            ("walking", "walk"), ("fall", "fall"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class FallVideo:
    """A video of the data set.

    Attributes:
        path: its file.
        subject: number of the person.
        spans: name of each class, as the data set has it, with its seconds; none where they are not told.
    """

    path: Path
    subject: int
    spans: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]

    def seconds_of_falls(self) -> list[tuple[float, float]]:
        """When the person falls or lies afterwards."""
        return [
            seconds for name, all_seconds in self.spans if name.lower().startswith("fall") for seconds in all_seconds
        ]


def read_videos(folder: Path) -> list[FallVideo]:
    """All videos that the folder's `labels.tsv` names.

    Raises:
        InputError: it has another form, or a video is not there.
    """
    table = folder / "labels.tsv"
    try:
        videos = [
            FallVideo(folder / row["file"], _subject(row["file"]), parse_spans(row["classes_seconds"]))
            for row in _rows(table)
        ]
    except KeyError as error:
        raise InputError(f"{table}: its first line has no column {error}") from error
    except (ValueError, csv.Error) as error:
        raise InputError(f"{table}: {error}") from error
    for video in videos:
        if not video.path.is_file():
            raise InputError(f"{table} names {video.path.name}, which is not there")
    return videos


def _rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", encoding="utf-8-sig") as file:  # a spreadsheet may have put the mark of its form first
        rows = list(csv.DictReader(file, delimiter="\t"))
    for number, row in enumerate(rows, 2):
        if None in row.values():
            raise ValueError(f"line {number} has fewer columns than the first one")
    return rows


def _subject(name: str) -> int:
    match = _NAME.match(name)
    if match is None:
        raise ValueError(f"{name!r} does not begin with subject_N_")
    return int(match[1])


def parse_spans(text: str) -> tuple[tuple[str, tuple[tuple[float, float], ...]], ...]:
    """`Falling (BW)[1.9 to 5]; Standing[0 to 0.3; 1.5 to 2.2]` as names and seconds.

    Raises:
        ValueError: seconds have another form; without them a class would hold for the whole video.
    """
    parts = re.split(r";(?![^\[]*\])", text.strip().removesuffix(";"))
    found = []
    for part in parts:
        whole = _CLASS.fullmatch(part.strip())
        texts = whole["spans"].split(";") if whole and whole["spans"] is not None else []
        spans = [_SPAN.fullmatch(text.strip()) for text in texts]
        known = [(float(span[1]), float(span[2])) for span in spans if span is not None]
        if whole is None or len(known) < len(spans) or any(last_s < first_s for first_s, last_s in known):
            raise ValueError(f"{part.strip()!r}: must be a class, such as Sitting, or one with its seconds, such as "
                             "Sitting [1.9 to 5] or Sitting [0 to 0.3; 1.5 to 2.2]")  # fmt: skip
        found.append((whole["name"], tuple(known)))
    return tuple(found)


def frame_labels(video: FallVideo, times_s: Sequence[float]) -> NDArray[np.int16]:
    """The class of each frame: int16 `[frames]`, `UNLABELLED` where the data set tells none that we have."""
    labels = np.full(len(times_s), UNLABELLED, np.int16)
    times = np.asarray(times_s)
    for begin, ours in _CLASSES:
        for name, seconds in video.spans:
            if not name.lower().startswith(begin):
                continue
            for first_s, last_s in seconds or ((0.0, np.inf),):
                inside = (times >= first_s) & (times <= last_s)
                labels[inside] = LABELS.index(ours)
                if ours == "fall":
                    labels[inside & (times > first_s + _FALL_LASTS_S)] = LABELS.index("lie")
    return labels


def frames_of(path: Path) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Time and picture of each frame that a stream would look at: seconds, and uint8 RGB as large as it was filmed."""
    plugin = discover_plugins().find("source", "file").plugin_class()
    source = plugin(plugin.Settings(path=path, pace="fast"))
    try:
        for frame in source.frames(FrameRequest(CLIP_FPS)):
            image = frame.image
            yield frame.time_s, cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if frame.colour == "bgr" else image
    except SourceEnded:
        pass
    finally:
        source.close()


def cut(video: FallVideo) -> Iterator[tuple[list[bytes], NDArray[np.int16], Mapping[str, object]]]:
    """Clips of one video: JPEG pictures, labels int16 `[frames]`, what it is made of. A short video begins still."""
    times, pictures = [], []
    for time_s, image in frames_of(video.path):
        times.append(time_s)
        pictures.append(_jpeg(image))
    labels = frame_labels(video, times)
    missing = max(0, FRAMES_PER_CLIP - len(pictures))
    pictures = pictures[:1] * missing + pictures
    labels = np.concatenate([np.repeat(labels[:1], missing), labels])
    for first in range(0, len(pictures) - FRAMES_PER_CLIP + 1, _STEP_FRAMES):
        part = slice(first, first + FRAMES_PER_CLIP)
        if (labels[part] != UNLABELLED).any():
            meta = {"video": video.path.name, "subject": video.subject, "first_frame": first}
            yield pictures[part], labels[part], meta


def _jpeg(image: NDArray[np.uint8]) -> bytes:
    small = cv2.resize(image, (_SIZE_PX, _SIZE_PX), interpolation=cv2.INTER_AREA)
    done, encoded = cv2.imencode(
        ".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    )
    if not done:
        raise RuntimeError("OpenCV could not write a JPEG picture")
    return encoded.tobytes()


def main() -> None:
    """Write a shard of all subjects but the held one."""
    parser = argparse.ArgumentParser(prog="python -m movinet_edge.training.falls", description=__doc__)
    parser.add_argument("--videos", type=Path, required=True, help="the data set's folder with labels.tsv")
    parser.add_argument("--out", type=Path, required=True, help="folder for the shard")
    arguments = parser.parse_args()
    with errors_told(parser):
        videos = [video for video in read_videos(arguments.videos) if video.subject != HELD_SUBJECT]
        clips = [clip for video in videos for clip in cut(video)]
        if not clips:
            raise InputError(
                f"{arguments.videos}: no frame has one of our classes in videos of others than subject {HELD_SUBJECT}, "
                "who is held out"
            )
        arguments.out.mkdir(parents=True, exist_ok=True)
        write_shard(
            arguments.out / "shard_00000.npz",
            [picture for pictures, _, _ in clips for picture in pictures],
            np.stack([labels for _, labels, _ in clips]),
            [meta for _, _, meta in clips],
        )


if __name__ == "__main__":
    main()
