"""How many frames per second to ask a camera for."""

# Frames of the camera for each one that is looked at: the one nearest to the moment that is due is then at most a third
# of the distance away. At the very rate that is looked at, a frame that comes a millisecond early would be passed over,
# and the next one is a whole distance later.
_CAMERA_FRAMES_PER_LOOK = 3

# When every frame is looked at.
_USUAL_FPS = 30.0


def camera_fps(set_fps: float | None, looked_at_fps: float | None) -> float:
    """What is set, or else what suits the frames per second that are looked at (None: every frame)."""
    if set_fps is not None:
        return set_fps
    return _USUAL_FPS if looked_at_fps is None else _CAMERA_FRAMES_PER_LOOK * looked_at_fps
