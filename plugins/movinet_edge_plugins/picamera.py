"""The `picamera2` source: the Raspberry Pi's cameras on the CSI port, scaled by the Pi's image processor."""

import contextlib
import importlib
import math
import threading
import time
from collections.abc import Iterator
from typing import Any, ClassVar, Self

import structlog
from pydantic import BaseModel, Field, model_validator

from movinet_edge.api import (
    Colour,
    Frame,
    FrameRequest,
    PluginSettings,
    Sampler,
    SourceInfo,
    SourceRejected,
    SourceUnavailable,
)
from movinet_edge_plugins._camera_rate import camera_fps
from movinet_edge_plugins._lateness import STALE_S

_log = structlog.get_logger(__name__)

# Blue comes first in memory: the names of libcamera's formats are read from the highest byte down.
_FORMAT = "RGB888"
_COLOUR: Colour = "bgr"

# One in use, one waiting, and two for the sensor.
_BUFFERS = 4

# A mode of the sensor that loses less than this share of the view still counts as showing all of it.
_LOST_VIEW = 0.05

# The sensor gives many frames in that time, even at night; a loose ribbon gives none.
_SILENCE_S = 5.0

# How soon close() is noticed while no frame comes.
_NOTICE_S = 0.25

_INSTALL = (
    "install it with `sudo apt install python3-picamera2`, and make the virtual environment with the system's own"
    " Python, `/usr/bin/python3 -m venv --system-site-packages`, since picamera2 fits no other"
)


class PicameraSettings(PluginSettings):
    """Which camera, how much of its view, and which way up."""

    camera: int = Field(default=0, ge=0, description="number as in `rpicam-hello --list-cameras`")
    width: int | None = Field(
        default=None,
        ge=16,
        description="of the sensor's mode, in pixels as `rpicam-hello --list-cameras` shows them;"
        " null: the smallest mode that shows the whole view",
    )
    height: int | None = Field(default=None, ge=16, description="of the sensor's mode; set both or none")
    fps: float | None = Field(
        default=None, gt=0, le=240, description="frames per second; null: three times what is looked at"
    )
    hflip: bool = Field(default=False, description="swap left and right; with `vflip`: turned by half, for a ceiling")
    vflip: bool = Field(default=False, description="swap top and bottom")

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        if (self.width is None) != (self.height is None):
            raise ValueError("`width` and `height` belong together: set both, or none of them")
        return self


class PicameraSource:
    """The newest frames of a camera on the CSI port.

    The image processor scales each frame to about the model's size, so nothing is left to decode or to scale. The
    stream's clock starts at 0 with the first frame and follows the sensor's timestamps.
    """

    Settings: ClassVar[type[BaseModel]] = PicameraSettings

    def __init__(self, settings: PicameraSettings) -> None:
        self.live = True
        self.frames_read = 0
        self._settings = settings
        self._picamera2, self._libcamera = _import("picamera2"), _import("libcamera")
        self._closed = threading.Event()
        self._info: SourceInfo | None = None
        self._cpu_s = 0.0

    @property
    def info(self) -> SourceInfo | None:
        """What the image processor gives, and what fetching it has cost."""
        return None if self._info is None else self._info.model_copy(update={"cpu_s": self._cpu_s})

    def frames(self, request: FrameRequest) -> Iterator[Frame]:
        """Yield the frames that are due at `request.fps`: uint8 BGR, at least `request.size_for` the view's size."""
        if self._closed.is_set():
            return
        try:
            with self._opened() as camera:
                self._start(camera, request)
                yield from self._read(camera, request)
        except (RuntimeError, OSError) as error:  # what picamera2 raises, for whatever reason
            raise SourceUnavailable(
                f"camera {self._settings.camera} cannot be used ({error}); does another program use it?"
            ) from error

    def close(self) -> None:
        """End `frames()`, also one that waits in another thread; its camera is released there."""
        self._closed.set()

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Any]:
        cameras = self._picamera2.Picamera2.global_camera_info()
        if self._settings.camera >= len(cameras):
            there = ", ".join(f"{number} ({camera['Model']})" for number, camera in enumerate(cameras)) or "none"
            raise SourceRejected(
                f"there is no camera {self._settings.camera}; cameras that are there: {there}. A camera on the CSI port"
                " is found when the Pi starts: switch it off, and look at the ribbon"
            )
        camera = self._picamera2.Picamera2(self._settings.camera)
        try:
            yield camera
        finally:
            camera.cancel_all_and_flush()  # a capture that still waits would hold up the end
            camera.close()

    def _start(self, camera: Any, request: FrameRequest) -> None:
        settings = self._settings
        wanted_fps = camera_fps(settings.fps, request.fps)
        mode = self._mode(camera.sensor_modes, wanted_fps)
        fps = min(wanted_fps, mode["fps"])
        frame_us = round(1e6 / fps)
        configuration = camera.create_video_configuration(
            main={"format": _FORMAT, "size": _size(mode["size"], request)},
            raw=None,
            sensor={"output_size": mode["size"], "bit_depth": mode["bit_depth"]},
            transform=self._libcamera.Transform(hflip=settings.hflip, vflip=settings.vflip),
            buffer_count=_BUFFERS,
            controls={"FrameDurationLimits": (frame_us, frame_us)},
        )
        camera.configure(configuration)
        width_px, height_px = camera.camera_configuration()["main"]["size"]
        camera.start()
        self._info = SourceInfo(codec="rawvideo", width_px=width_px, height_px=height_px, fps=fps)
        _log.info("camera opened", camera=settings.camera, mode=mode["size"], fps=fps, size=(width_px, height_px))

    def _mode(self, modes: list[dict[str, Any]], fps: float) -> dict[str, Any]:
        modes = [mode for mode in modes if "size" in mode]
        if not modes:
            raise SourceRejected(
                f"camera {self._settings.camera} is not on the CSI port (a USB camera needs `type: camera`)"
            )
        if self._settings.width is None:
            most = max(_view(mode) for mode in modes)
            fitting = [mode for mode in modes if _view(mode) >= (1 - _LOST_VIEW) * most]
        else:
            fitting = [mode for mode in modes if mode["size"] == (self._settings.width, self._settings.height)]
        if not fitting:
            sizes = sorted({mode["size"] for mode in modes})
            raise SourceRejected(
                f"camera {self._settings.camera} has no mode of {self._settings.width}x{self._settings.height}; it has"
                f" {', '.join(f'{width}x{height}' for width, height in sizes)}"
            )
        # The smallest that is fast enough; when none is, the fastest. Of equal ones, that with the finer colours.
        return min(fitting, key=lambda mode: (max(0.0, fps - mode["fps"]), math.prod(mode["size"]), -mode["bit_depth"]))

    def _read(self, camera: Any, request: FrameRequest) -> Iterator[Frame]:
        sampler, zero_s, came_s = Sampler(request.fps), None, time.monotonic()
        job = camera.capture_request(wait=False)
        while not self._closed.is_set():
            try:
                captured = job.get_result(timeout=_NOTICE_S)
            except TimeoutError:
                if time.monotonic() - came_s > _SILENCE_S:
                    raise SourceUnavailable(
                        f"camera {self._settings.camera} has given no frame for {_SILENCE_S:g} s; is its ribbon loose?"
                    ) from None
                continue
            begun_s, came_s = time.thread_time(), time.monotonic()
            job = camera.capture_request(wait=False)
            self.frames_read += 1
            try:
                taken_s, age_s = _taken_s(captured.get_metadata())
                zero_s = taken_s if zero_s is None else zero_s
                # After a stall of this process, what waited is no longer live.
                is_wanted = age_s <= STALE_S and sampler.due(taken_s - zero_s)
                image = captured.make_array("main") if is_wanted else None
            finally:
                captured.release()
            self._cpu_s += time.thread_time() - begun_s
            if image is not None:
                yield Frame(image, taken_s - zero_s, _COLOUR, time.time() - age_s)


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise SourceRejected(f"{name} cannot be imported ({error}); {_INSTALL}") from error
    except ValueError as error:  # one of its libraries was built for another numpy
        raise SourceRejected(
            f"{name} cannot be imported ({error}); on Raspberry Pi OS 12 it needs an older numpy:"
            " `pip install 'numpy<2' 'opencv-python-headless<4.12'`"
        ) from error


def _view(mode: dict[str, Any]) -> int:
    _left, _top, width, height = mode["crop_limits"]
    return int(width * height)


def _size(view_px: tuple[int, int], request: FrameRequest) -> tuple[int, int]:
    """The smallest even size with the shape of the view that has all that is requested."""
    wanted_px = request.size_for(*view_px)
    scale = min(1.0, max(wanted / view for wanted, view in zip(wanted_px, view_px, strict=True)))
    # To another shape the image processor would cut, and what is cut off could not be seen.
    width_px, height_px = (2 * math.ceil(side * scale / 2) for side in view_px)
    return width_px, height_px


def _taken_s(metadata: dict[str, Any]) -> tuple[float, float]:
    """When a frame was taken, in seconds since the machine was started, and how long ago that is."""
    now_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    taken_s = metadata.get("SensorTimestamp", 0) / 1e9 or now_s
    return taken_s, max(0.0, now_s - taken_s)
