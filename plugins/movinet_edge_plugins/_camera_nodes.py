"""Finds the device of a camera among the others in /dev, and says in words why one cannot be used."""

import errno
import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from movinet_edge.api import SourceError, SourceRejected, SourceUnavailable
from movinet_edge_plugins._v4l2 import Capability, Device, Kernel

# Of the Pi's CSI sensors and the parts that make pictures of what they give; only libcamera can put these together.
# Source: VIDIOC_QUERYCAP on Raspberry Pi OS (unicam up to the Pi 4, rp1-cfe and pispbe on the Pi 5).
_LIBCAMERA_DRIVERS = frozenset({"unicam", "bcm2835-isp", "rp1-cfe", "pispbe"})


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera that is there.

    Attributes:
        path: the one that stays the same when it is plugged in again, if there is such a one.
    """

    name: str
    path: Path

    def __str__(self) -> str:
        return f"{self.path} ({self.name})"


def open_camera(device: int | Path | None, kernel: Kernel) -> tuple[Device, Path, Capability]:
    """Open a camera by its number, its path, or as the only one there is.

    Raises:
        SourceUnavailable: not there, in use, or not for this user; all of which can be put right while we wait.
        SourceRejected: what is there is no camera, or not one to be read this way.
    """
    path = _only_camera(kernel).path if device is None else _path(device, kernel)
    try:
        opened = Device(path, kernel)
    except OSError as error:
        raise explain(error, path, kernel) from error
    try:
        capability = opened.capability()
        if capability.driver in _LIBCAMERA_DRIVERS:
            raise SourceRejected(
                f"{path} belongs to a camera on the CSI port ({capability.driver}), whose pictures only libcamera can"
                " make; use `type: picamera2`"
            )
        if not capability.can_capture:
            raise SourceRejected(
                f"{path} ({capability.card}) gives no pictures; one camera has several devices, of which some give"
                f" other data; {_what_is_there(kernel)}"
            )
    except OSError as error:
        opened.close()
        raise explain(error, path, kernel) from error
    except SourceRejected:
        opened.close()
        raise
    return opened, path, capability


def explain(error: OSError, path: Path, kernel: Kernel) -> SourceError:
    """What an error of a device means for the one who reads it."""
    kind: type[SourceError] = SourceUnavailable
    match error.errno:
        case errno.ENOENT:
            fault = f"is not there; {_what_is_there(kernel)}"
        case errno.EACCES:
            fault = f"is not for this user; {_how_to_permit(path)}"
        case errno.EPERM:
            fault = "is not for this service; allow it by DeviceAllow= in the systemd unit"
        case errno.EBUSY:
            fault = f"is in use by {_holder(path)}"
        case errno.ENOSPC:
            fault = (
                "gets no more bandwidth on its USB bus; try `format: mjpg`, a smaller size, fewer fps or another port"
            )
        case errno.ENODEV | errno.ENXIO | errno.EIO:
            fault = f"was unplugged, or has failed ({error.strerror})"
        case errno.ENOTTY:
            kind, fault = SourceRejected, f"is no camera; {_what_is_there(kernel)}"
        case _:
            fault = f"cannot be used ({error.strerror or error})"
    return kind(f"{path} {fault}")


def _path(device: int | Path, kernel: Kernel) -> Path:
    return kernel.dev / f"video{device}" if isinstance(device, int) else device


def _only_camera(kernel: Kernel) -> Camera:
    cameras = list(_cameras(kernel))
    if not cameras:
        raise SourceUnavailable(_what_is_there(kernel))
    if len(cameras) > 1:
        raise SourceRejected(f"`device` must say which camera; {_what_is_there(kernel)}")
    return cameras[0]


def _what_is_there(kernel: Kernel) -> str:
    if cameras := list(_cameras(kernel)):
        return f"cameras that are there: {', '.join(map(str, cameras))}"
    for node in _nodes(kernel):
        if not os.access(node, os.R_OK | os.W_OK):
            return f"no camera can be seen; {_how_to_permit(node)}"
    drivers = {capability.driver for _, capability in _capabilities(kernel)}
    if drivers & _LIBCAMERA_DRIVERS:
        return "no USB camera is plugged in; one on the CSI port needs `type: picamera2`"
    return "no camera is plugged in"


def _cameras(kernel: Kernel) -> Iterator[Camera]:
    lasting = {link.resolve(): link for link in sorted(kernel.dev.glob("v4l/by-id/*"))}
    for node, capability in _capabilities(kernel):
        if capability.can_capture and capability.driver not in _LIBCAMERA_DRIVERS:
            yield Camera(capability.card, lasting.get(node.resolve(), node))


def _capabilities(kernel: Kernel) -> Iterator[tuple[Path, Capability]]:
    for node in _nodes(kernel):
        try:
            device = Device(node, kernel)
        except OSError:
            continue
        try:
            yield node, device.capability()
        except OSError:
            continue
        finally:
            device.close()


def _nodes(kernel: Kernel) -> list[Path]:
    return sorted(kernel.dev.glob("video[0-9]*"), key=lambda node: int(node.name.removeprefix("video")))


def _how_to_permit(node: Path) -> str:
    group, user = _group_of(node), _user()
    return f"it belongs to the group {group}: `sudo usermod -aG {group} {user}`, then start the daemon again"


def _group_of(node: Path) -> str:
    try:
        return node.group()
    except (OSError, KeyError):
        return "video"  # udev's usual choice


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _holder(path: Path) -> str:
    """Who has a device open besides this process, as far as this user can see."""
    node = str(path.resolve())
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(entry.readlink()) == node and (process := entry.parts[2]) != str(os.getpid()):
                return f"{Path('/proc', process, 'comm').read_text(encoding='utf-8').strip()} (process {process})"
        except OSError:  # of another user, or ended meanwhile
            continue
    return "another program or another stream"
