"""A real RTSP server in a process of its own, which can be frozen and killed: GStreamer's, with synthetic cameras.

Paths: `/h264`, `/h265` and `/sound` (H.264 with sound) at 160x120 and 25 fps, and `/changing` (grows to 320x240 after
a second). Each of their pictures is of one grey that tells when it was made, see `made_ago_s`. An MP4 given with
`--files`, such as `porch.h265.mp4`, is played once and at its own pace under `/porch.h265`; its name tells its codec.

The file is both: imported by tests it starts the server, and run by the system's Python, which alone has GStreamer's
bindings, it is the server. Debian: python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-{base,good,bad,ugly}.
"""

import argparse
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

# The bindings are installed for Debian's own Python, not for one from elsewhere.
SYSTEM_PYTHON = "/usr/bin/python3"

FPS = 25
KEY_FRAME_EVERY = 12
KEY_FRAME_S = KEY_FRAME_EVERY / FPS
SIZE_PX = (160, 120)
GROWN_SIZE_PX = (320, 240)

# Pictures count tenths of a second up to this, so their age is known modulo 3.2 s.
LEVELS = 32
TICKS_PER_S = 10

_START_S = 30.0
# One thread, because several make slices of a picture, which this payloader sends as if each were a picture.
_H264 = (
    f"x264enc tune=zerolatency speed-preset=ultrafast key-int-max={KEY_FRAME_EVERY} threads=1"
    " ! rtph264pay name=pay0 pt=96 config-interval=-1"
)
_H265 = (
    f"x265enc tune=zerolatency speed-preset=ultrafast key-int-max={KEY_FRAME_EVERY} ! h265parse"
    " ! rtph265pay name=pay0 pt=96 config-interval=-1"
)
_SOUND = "audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 ! alawenc ! rtppcmapay name=pay1 pt=8"


class RtspServer:
    """The server's process, seen from a test. A context manager."""

    def __init__(
        self, *, port: int = 0, auth: str = "none", user: str = "", password: str = "", files: Sequence[Path] = ()
    ) -> None:
        """`auth` is none, basic or digest. Raises OSError when there is no GStreamer server to run."""
        arguments = ["--port", str(port), "--auth", auth, "--user", user, "--password", password]
        arguments += ["--files", *map(str, files)]
        self._process = subprocess.Popen(
            [SYSTEM_PYTHON, __file__, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            self.port = self._read_port()
        except BaseException:
            self.stop()
            raise

    def _read_port(self) -> int:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], _START_S)[0]:
            raise OSError(f"the RTSP server did not start within {_START_S:.0f} s")
        line = self._process.stdout.readline()
        if not line:
            assert self._process.stderr is not None
            raise OSError(f"the RTSP server did not start: {self._process.stderr.read().strip()[-500:]}")
        return int(line)

    def url(self, path: str = "h264") -> str:
        return f"rtsp://127.0.0.1:{self.port}/{path}"

    def freeze(self) -> None:
        """Connections stay open, and nothing comes any more."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)

    def stop(self) -> None:
        """As a power cut does it; also when frozen."""
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def made_ago_s(image: Any) -> float:
    """How long ago the server made a picture, uint8 RGB `[height, width, 3]`, in seconds, modulo 3.2 s."""
    level = round(float(image.mean()) / 255 * (LEVELS - 1))
    return (time.time() * TICKS_PER_S - level) % LEVELS / TICKS_PER_S


def _picture(size_px: tuple[int, int]) -> bytes:
    width_px, height_px = size_px
    level = int(time.time() * TICKS_PER_S) % LEVELS
    grey = round(16 + level / (LEVELS - 1) * 219)  # video range
    return bytes([grey]) * (width_px * height_px) + bytes([128]) * (width_px * height_px // 2)


def _film(gst: Any, camera: Any, *, grows: bool) -> None:
    """Push pictures at the camera's pace until nobody looks any more."""
    count, size_px = 0, SIZE_PX
    next_s = time.monotonic()
    while True:
        if grows and count == FPS:
            size_px = GROWN_SIZE_PX
            camera.set_property("caps", gst.Caps.from_string(_caps(size_px)))
        buffer = gst.Buffer.new_wrapped(_picture(size_px))
        if camera.emit("push-buffer", buffer) != gst.FlowReturn.OK:
            return
        count += 1
        next_s = max(next_s + 1 / FPS, time.monotonic() - 1 / FPS)  # what a freeze cost is not made up for
        time.sleep(max(0.0, next_s - time.monotonic()))


def _caps(size_px: tuple[int, int]) -> str:
    return f"video/x-raw,format=I420,width={size_px[0]},height={size_px[1]},framerate={FPS}/1"


def _launches(files: Sequence[Path]) -> dict[str, str]:
    camera = f"appsrc name=camera is-live=true format=time do-timestamp=true caps={_caps(SIZE_PX)} ! queue"
    launches = {
        "/h264": f"( {camera} ! {_H264} )",
        "/h265": f"( {camera} ! {_H265} )",
        "/sound": f"( {camera} ! {_H264} {_SOUND} )",
        "/changing": f"( {camera} ! {_H264} )",
    }
    for file in files:
        codec = file.stem.rpartition(".")[2]
        launches[f"/{file.stem}"] = (
            f'( filesrc location="{file}" ! qtdemux ! {codec}parse ! rtp{codec}pay name=pay0 pt=96 config-interval=-1 )'
        )
    return launches


def _require_login(server_api: Any, rtsp: Any, server: Any, arguments: argparse.Namespace) -> None:
    auth = server_api.RTSPAuth()
    token = server_api.RTSPToken.new()
    token.set_string("media.factory.role", "viewer")
    if arguments.auth == "basic":
        basic = server_api.RTSPAuth.make_basic(arguments.user, arguments.password)
        auth.add_basic(basic, token)
    else:
        auth.set_supported_methods(rtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(arguments.user, arguments.password, token)
    server.set_auth(auth)


def _serve(arguments: argparse.Namespace) -> None:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtsp", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtsp, GstRtspServer

    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(arguments.port))
    if arguments.auth != "none":
        _require_login(GstRtspServer, GstRtsp, server, arguments)

    def configure(_: Any, media: Any, path: str) -> None:
        camera = media.get_element().get_by_name("camera")
        if camera is not None:
            film = threading.Thread(
                target=_film, args=(Gst, camera), kwargs={"grows": path == "/changing"}, daemon=True
            )
            film.start()

    for path, launch in _launches(arguments.files).items():
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(launch)
        factory.connect("media-configure", configure, path)
        factory.set_shared(True)
        permissions = GstRtspServer.RTSPPermissions.new()
        for permission in ("media.factory.access", "media.factory.construct"):
            permissions.add_permission_for_role("viewer", permission, True)
        factory.set_permissions(permissions)
        server.get_mount_points().add_factory(path, factory)
    if not server.attach(None):
        sys.exit(f"port {arguments.port} cannot be listened on")
    sys.stdout.write(f"{server.get_bound_port()}\n")
    sys.stdout.flush()
    GLib.MainLoop().run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--auth", choices=("none", "basic", "digest"), default="none")
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--files", type=Path, nargs="*", default=[])
    _serve(parser.parse_args())
