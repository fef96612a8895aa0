"""Clips that several of the engine's tests look at."""

from pathlib import Path

import pytest
from clip_frames import Pictures, clip_pictures


@pytest.fixture(scope="session")
def carving_ice(clips_dir: Path) -> Pictures:
    """The official example's test clip at 5 fps."""
    return clip_pictures(clips_dir / "carving_ice_rpi.mp4")


@pytest.fixture(scope="session")
def jumping_jacks(clips_dir: Path) -> Pictures:
    """Jumping jacks at 5 fps."""
    return clip_pictures(clips_dir / "synthetic_cc0_Jumping_Jacks.mp4")
