"""A still scene is scored less often, motion at once and always, and nothing of it reads as slowness."""

import numpy as np
import pytest

from movinet_edge.api import Frame
from movinet_edge.daemon.motion_gate import MotionGate

FPS = 5.0


def frames(seconds, *, image, start_s=0.0, noise=0.0, seed=0):
    random = np.random.default_rng(seed)
    for number in range(round(seconds * FPS)):
        noisy = image + random.normal(0, noise, image.shape) if noise else image
        yield Frame(image=np.clip(noisy, 0, 255).astype(np.uint8), time_s=start_s + number / FPS)


ROOM = np.full((120, 160, 3), 128.0)


@pytest.mark.parametrize("noise", [0.0, 4.0])
def test_a_still_scene_passes_once_a_second(noise):
    gate = MotionGate(0.02, still_after_s=5.0, every_s=1.0)
    passed = [frame.time_s for frame in frames(15, image=ROOM, noise=noise) if gate.passes(frame)]
    assert passed[:25] == pytest.approx([number / FPS for number in range(25)])
    assert np.diff(passed[25:]) == pytest.approx(1.0)
    assert len(passed) == 25 + 10


def test_the_first_frame_with_motion_passes_and_those_after_it():
    gate = MotionGate(0.02, still_after_s=5.0, every_s=1.0)
    for frame in frames(10.4, image=ROOM):
        gate.passes(frame)
    somebody = ROOM.copy()
    somebody[60:70, 80:86] = 20.0  # far away: a few cells
    assert all(gate.passes(frame) for frame in frames(5, image=somebody, start_s=10.4))
    assert not all(gate.passes(frame) for frame in frames(5, image=somebody, start_s=15.4))


def test_slow_motion_adds_up():
    gate = MotionGate(0.02, still_after_s=2.0, every_s=1.0)
    passed = 0
    for number in range(100):
        # a sixth of a grey level per frame
        passed += gate.passes(Frame(image=np.full((64, 64), 50 + number / 6, np.uint8), time_s=number / FPS))
    assert passed < 100
    gate = MotionGate(0.003, still_after_s=2.0, every_s=1.0)
    passed = sum(
        gate.passes(Frame(image=np.full((64, 64), 50 + number / 6, np.uint8), time_s=number / FPS))
        for number in range(100)
    )
    assert passed == 100


def test_a_reset_forgets_the_scene():
    gate = MotionGate(0.02, still_after_s=1.0, every_s=1.0)
    assert not all(gate.passes(frame) for frame in frames(3, image=ROOM))
    gate.reset()
    assert all(gate.passes(frame) for frame in frames(1, image=ROOM, start_s=3.0))


@pytest.mark.parametrize("shape", [(64, 64), (64, 64, 1), (64, 64, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_kind_of_picture(shape, dtype):
    full = np.iinfo(dtype).max
    gate = MotionGate(0.02, still_after_s=0.1, every_s=1.0)
    assert gate.passes(Frame(image=np.full(shape, full // 2, dtype), time_s=0.0))
    assert not gate.passes(Frame(image=np.full(shape, full // 2, dtype), time_s=0.2))
    assert gate.passes(Frame(image=np.full(shape, full, dtype), time_s=0.4))


def test_what_is_no_picture():
    with pytest.raises(ValueError, match="not a picture"):
        MotionGate(0.02, 5.0, 1.0).passes(Frame(image=np.empty((0, 4), np.uint8), time_s=0.0))
