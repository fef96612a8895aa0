"""The fallback for real: tflite-runtime and numpy 1 in an environment of their own, without LiteRT."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest
from peers.missing import is_missing
from toy_model import ToyReference
from toy_streams import SMALL, reference_loop, tensors, toy_file, toy_reference_loop

PROJECT = Path(__file__).resolve().parents[2]
# The runtime, and what `movinet_edge.engine` imports; OpenCV 5 wants numpy 2, with which tflite-runtime crashes.
PACKAGES = ("tflite-runtime==2.14.0", "numpy<2", "opencv-python-headless<5", "structlog", "pydantic")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="tflite-runtime has no wheel for this Python"),
]

SCRIPT = """
import sys
from pathlib import Path
import numpy as np
import structlog
from movinet_edge.engine import load_model

model_file, frames_file, logits_file, choice = sys.argv[1:]
with structlog.testing.capture_logs() as logs:
    model = load_model(Path(model_file), labels=[str(index) for index in range(int(sys.stdin.read()))], runtime=choice)
print(model.runtime.name, model.runtime.version, model.runtime.xnnpack)
for log in logs:
    print(log["log_level"], log["event"], log["hint"], sep=": ")
frames = np.load(frames_file)
for memory in ("cumulative", "window"):
    state, other = (model.new_state(memory=memory, window=5) for _ in range(2))
    logits = []
    for frame in frames:
        logits.append(model.step_tensor(frame, state))
        model.step_tensor(frame[::-1, ::-1].copy(), other)  # streams that take turns must not touch each other
    np.save(f"{logits_file}.{memory}.npy", logits)
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    """A Python that has tflite-runtime."""
    folder = tmp_path_factory.mktemp("tflite-runtime")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *PACKAGES]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        is_missing(f"tflite-runtime cannot be installed here: {done.stderr}")
    return python


@pytest.fixture
def fallback(python, tmp_path):
    """Runs a model file in that Python: what it printed, and the logits of each memory."""

    def run(model, classes, frames, choice="auto"):
        np.save(tmp_path / "frames.npy", np.stack(frames))
        command = [python, "-c", SCRIPT, model, tmp_path / "frames.npy", tmp_path / "logits", choice]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        done = subprocess.run(
            command, input=str(classes), capture_output=True, text=True, check=False, env=environment, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines(), *(
            np.load(tmp_path / f"logits.{memory}.npy") for memory in ("cumulative", "window")
        )

    return run


def test_auto_falls_back_and_says_so(fallback, tmp_path):
    frames = tensors(SMALL, 12)
    (runtime, *logs), cumulative, window = fallback(toy_file(SMALL, tmp_path), SMALL.classes, frames)
    assert runtime == "tflite-runtime 2.14.0 True"
    assert len(logs) == 1
    assert logs[0].startswith("warning: tflite-runtime was chosen because LiteRT is not there; expect 3 to 15 times")
    assert "pip install ai-edge-litert" in logs[0]
    np.testing.assert_allclose(cumulative, toy_reference_loop(SMALL, frames), atol=1e-4)
    np.testing.assert_allclose(window, ToyReference(SMALL, 5).run(frames), atol=1e-4)


def test_chosen_by_hand_there_is_nothing_to_warn_of(fallback, tmp_path):
    output, *_ = fallback(toy_file(SMALL, tmp_path), SMALL.classes, tensors(SMALL, 2), "tflite")
    assert output == ["tflite-runtime 2.14.0 True"]


def test_the_official_file_gives_the_same_labels(fallback, a0_int8, carving_ice):
    frames = [picture.astype(np.float32) / np.float32(255) for picture in carving_ice]
    (runtime, *_), cumulative, window = fallback(a0_int8, 600, frames)
    assert runtime.startswith("tflite-runtime 2.14.0")
    expected = reference_loop(a0_int8, frames)
    np.testing.assert_array_equal(cumulative.argmax(axis=1)[5:], expected.argmax(axis=1)[5:])
    assert window.argmax(axis=1)[-1] == expected.argmax(axis=1)[-1]
    # Kernels of another version round otherwise, and what an int8 model feeds back adds that up.
    for one, other in zip(cumulative, expected, strict=True):
        assert np.corrcoef(one, other)[0, 1] > 0.95
