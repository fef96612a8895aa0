"""Makes the bundled demo clip: idle, jumping jacks, idle, push-ups, idle.

Usage: python tests/make_demo_clip.py FOLDER [OUTPUT]

FOLDER holds `synthetic_cc0_Jumping_Jacks.mp4` and `synthetic_cc0_Pushup.mp4`: this project's own renders of models and
animations by Mesh2Motion and Quaternius, which are CC0 1.0 (public domain), as are the renders and the clip made here.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

FPS = 10  # that of the renders
OUTPUT = Path(__file__).resolve().parent.parent / "movinet_edge" / "cli" / "demo.mp4"

Picture = NDArray[np.uint8]


def pictures(clip: Path) -> list[Picture]:
    """All frames of a clip, uint8 RGB `[height, width, 3]`, values 0 to 255."""
    with av.open(str(clip)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def timeline(jacks: list[Picture], push_ups: list[Picture]) -> Iterator[Picture]:
    """8 s idle, the first clip twice, 10 s idle, the second clip twice, 8 s idle."""
    still = jacks[0]  # a figure that stands: the same one before, between and after, as if it only paused
    yield from [still] * 8 * FPS
    yield from jacks * 2
    yield from [still] * 10 * FPS
    yield from push_ups * 2
    yield from [still] * 8 * FPS


def main() -> None:
    """Write the clip."""
    folder, output = Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else OUTPUT
    jacks = pictures(folder / "synthetic_cc0_Jumping_Jacks.mp4")
    push_ups = pictures(folder / "synthetic_cc0_Pushup.mp4")
    height_px, width_px, _ = jacks[0].shape
    with av.open(str(output), "w", options={"movflags": "+faststart"}) as container:
        container.metadata["comment"] = "CC0 1.0, made by tests/make_demo_clip.py"
        # Main profile without B-frames plays everywhere; one thread makes the file the same on every machine.
        options = {"profile": "main", "preset": "veryslow", "crf": "23", "bf": "0", "threads": "1"}
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = width_px, height_px, "yuv420p"
        for picture in timeline(jacks, push_ups):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


if __name__ == "__main__":
    main()
