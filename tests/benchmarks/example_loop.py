"""The official Raspberry Pi example's way through a video, in our own words: the baseline of end_to_end.py.

Every frame is read, mirrored and converted at full size; five times a second one is resized, scaled to [0, 1] and given
to the signature runner, and all states are handed back. Source: tensorflow/examples,
lite/examples/video_classification/raspberry_pi (classify.py and video_classifier.py).
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

INFERENCES_PER_S = 5.0


def run(video: Path, model: Path, labels: Path) -> None:
    """Print the last frame's best label."""
    names = labels.read_text(encoding="utf-8").splitlines()
    runner = Interpreter(model_path=str(model), num_threads=1).get_signature_runner()
    details = runner.get_input_details()
    states = {name: np.zeros(d["shape"], d["dtype"]) for name, d in details.items() if name != "image"}
    height, width = details["image"]["shape"][2:4]
    capture = cv2.VideoCapture(str(video))
    every = capture.get(cv2.CAP_PROP_FPS) / INFERENCES_PER_S
    index, best = 0, ""
    while True:
        more, frame = capture.read()
        if not more:
            break
        picture = cv2.cvtColor(cv2.flip(frame, 1), cv2.COLOR_BGR2RGB)
        if int(index / every) != int((index - 1) / every) or index == 0:
            small = cv2.resize(picture, (width, height)).astype(np.float32) / 255.0
            outputs = runner(**states, image=small[np.newaxis, np.newaxis])
            logits = outputs.pop("logits")[0]
            states = outputs
            scores = np.exp(logits - logits.max())
            scores /= scores.sum()
            best = names[int(scores.argmax())]
        index += 1
    print(f"{index} frames, last: {best}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    args = parser.parse_args()
    run(args.video, args.model, args.labels)
