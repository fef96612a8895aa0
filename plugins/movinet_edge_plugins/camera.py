"""The `camera` source: USB cameras and others that Linux shows as V4L2 devices."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import structlog
from pydantic import BaseModel, Field, model_validator

from movinet_edge.api import Frame, FrameRequest, PluginSettings, SourceInfo, SourceRejected
from movinet_edge_plugins._camera_nodes import explain, open_camera
from movinet_edge_plugins._camera_rate import camera_fps
from movinet_edge_plugins._v4l2 import Device, Kernel, PixelFormat

if TYPE_CHECKING:
    from movinet_edge_plugins._camera_reader import CameraReader

_log = structlog.get_logger(__name__)

# Nearly every camera has it, and it is more than twice what the models look at, so nothing is lost.
_USUAL_SIZE_PX = (640, 480)

# The order of preference. JPEGs leave room on the USB bus, and only those that are looked at are decoded.
_FOURCCS = {"mjpg": ("MJPG", "JPEG"), "yuyv": ("YUYV",), "auto": ("MJPG", "JPEG", "YUYV")}

# How soon close() is noticed while no picture comes.
_NOTICE_S = 0.25


class CameraSettings(PluginSettings):
    """Which camera, and which of its pictures."""

    device: Annotated[Annotated[int, Field(ge=0)] | Path | None, Field(union_mode="left_to_right")] = Field(
        default=None,
        description="number (0 is /dev/video0) or path, best one in /dev/v4l/by-id/, which stays the same when cameras"
        " are plugged in anew; null: the only camera there is",
    )
    width: int | None = Field(default=None, ge=16, le=8192, description="pixels; null: 640, or the camera's nearest")
    height: int | None = Field(default=None, ge=16, le=8192, description="pixels; null: 480, or the camera's nearest")
    fps: float | None = Field(
        default=None,
        gt=0,
        le=240,
        description="frames per second to ask the camera for; null: three times what is looked at",
    )
    format: Literal["auto", "mjpg", "yuyv"] = Field(
        default="auto", description="mjpg: JPEGs, little data; yuyv: raw, much data; auto: mjpg when the camera has it"
    )

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        if (self.width is None) != (self.height is None):
            raise ValueError("`width` and `height` belong together: set both, or none of them")
        return self


class CameraSource:
    """The newest frames of a camera on this machine.

    The stream's clock starts at 0 with the first frame and follows the driver's timestamps. The device is looked for
    whenever the source is started, so a camera that was unplugged and plugged in again is found again.
    """

    Settings: ClassVar[type[BaseModel]] = CameraSettings

    def __init__(self, settings: CameraSettings, kernel: Kernel | None = None) -> None:
        from movinet_edge_plugins._camera_reader import CameraReader

        self.live = True
        self.frames_read = 0
        self._reader_type = CameraReader
        self._settings, self._kernel = settings, kernel or Kernel()
        self._closed = threading.Event()
        self._info: SourceInfo | None = None
        self._cpu_s = 0.0

    @property
    def info(self) -> SourceInfo | None:
        """What the camera gives, and what that has cost."""
        return None if self._info is None else self._info.model_copy(update={"cpu_s": self._cpu_s})

    def frames(self, request: FrameRequest) -> Iterator[Frame]:
        """Yield the frames that are due at `request.fps`: uint8 RGB, scaled to `request.size_for` their size."""
        if self._closed.is_set():
            return
        device, path, capability = open_camera(self._settings.device, self._kernel)
        try:
            pixels, fps = self._start(device, path, request)
            _log.info(
                "camera opened", device=str(path), camera=capability.card, format=pixels.fourcc, fps=fps,
                width_px=pixels.width_px, height_px=pixels.height_px,
            )  # fmt: skip
            yield from self._read(self._reader_type(device, pixels, request, path))
        except OSError as error:
            raise explain(error, path, self._kernel) from error
        finally:
            device.close()

    def close(self) -> None:
        """End `frames()`, also one that waits in another thread; its device is released there."""
        self._closed.set()

    def _start(self, device: Device, path: Path, request: FrameRequest) -> tuple[PixelFormat, float | None]:
        settings = self._settings
        offered = device.formats()
        fourcc = next((fourcc for fourcc in _FOURCCS[settings.format] if fourcc in offered), None)
        if fourcc is None:
            raise SourceRejected(
                f"{path} does not offer {' or '.join(_FOURCCS[settings.format])};"
                f" it has {', '.join(offered) or 'nothing'}"
            )
        wanted_px = (settings.width or _USUAL_SIZE_PX[0], settings.height or _USUAL_SIZE_PX[1])
        pixels = device.set_format(fourcc, *wanted_px)
        if pixels.fourcc != fourcc:
            raise SourceRejected(f"{path} offers {fourcc}, but gives {pixels.fourcc}; try another `format`")
        if settings.width is not None and (pixels.width_px, pixels.height_px) != wanted_px:
            _log.warning(
                "the camera does not have this size and gives the nearest", device=str(path),
                wanted=f"{wanted_px[0]}x{wanted_px[1]}", given=f"{pixels.width_px}x{pixels.height_px}",
            )  # fmt: skip
        fps = device.set_rate(camera_fps(settings.fps, request.fps))
        device.start()
        self._info = SourceInfo(
            codec="rawvideo" if fourcc == "YUYV" else "mjpeg",
            width_px=pixels.width_px,
            height_px=pixels.height_px,
            fps=fps,
        )
        return pixels, fps

    def _read(self, reader: "CameraReader") -> Iterator[Frame]:
        while not self._closed.is_set():
            begun_s = time.thread_time()
            frame = reader.next_frame(_NOTICE_S)
            self.frames_read = reader.frames_read
            self._cpu_s += time.thread_time() - begun_s
            if frame is not None:
                yield frame
