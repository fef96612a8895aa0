"""The `rtsp` source: live video of cameras over the network, by RTSP or any other address that FFmpeg reads live."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from movinet_edge.api import Duration, Frame, FrameRequest, PluginSettings, SourceInfo, TakePacket
from movinet_edge_plugins._stream_address import StreamAddress


class RtspSettings(PluginSettings):
    """Where the camera is, how to log in, and how much of its video to decode."""

    model_config = ConfigDict(hide_input_in_errors=True)  # the address may hold a password

    url: str = Field(
        repr=False,
        description="address that begins with rtsp, rtsps, http, https, rtmp, rtmps or udp and ://;"
        " certificates of rtsps and https are not checked, since cameras make their own",
    )
    user: str | None = Field(default=None, description="name to log in with; null: none, or the one in `url`")
    password: SecretStr | None = Field(default=None, description="any characters, nothing has to be percent-encoded")
    transport: Literal["tcp", "udp"] = Field(
        default="tcp", description="how RTSP carries its data; udp loses parts of pictures on a bad network"
    )
    open_timeout: Duration = Field(default=10.0, gt=0, description="longest time to connect and see the first data")
    read_timeout: Duration = Field(default=10.0, gt=0, description="silence after which the connection is given up")
    keyframes_only: bool = Field(
        default=False,
        description="decode key frames alone: a fraction of the work, but a picture only every second or so",
    )
    skip_loop_filter: bool = Field(
        default=False,
        description="decode H.264 and H.265 without their smoothing of block edges: less work, slightly coarser",
    )

    # The login is checked with each field that is part of it, so that the error stands where it can be put right.
    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        StreamAddress.parse(url)
        return url

    @field_validator("user")
    @classmethod
    def _check_user(cls, user: str | None, info: ValidationInfo) -> str | None:
        if "url" in info.data:
            StreamAddress.parse(info.data["url"], user)
        return user

    @field_validator("password")
    @classmethod
    def _check_password(cls, password: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if "url" in info.data and "user" in info.data:
            StreamAddress.parse(info.data["url"], info.data["user"], _plain(password))
        return password

    def address(self) -> StreamAddress:
        """All of the address, with the login."""
        return StreamAddress.parse(self.url, self.user, _plain(self.password))


class RtspSource:
    """The newest frames of a network camera.

    The stream's clock starts at 0 with the first frame and follows the camera's timestamps, or the frames' arrival for
    formats that have none (MJPEG over HTTP). What comes more than a second late is not yielded. Everything that goes
    wrong may be put right in the camera, so it is SourceUnavailable.
    """

    Settings: ClassVar[type[BaseModel]] = RtspSettings

    def __init__(self, settings: RtspSettings) -> None:
        from movinet_edge_plugins._live import Connection, LiveReader

        address = settings.address()
        self.live = True
        self._reader = LiveReader(
            Connection(
                address,
                _options(address, settings.transport),
                settings.open_timeout,
                settings.read_timeout,
                settings.keyframes_only,
                settings.skip_loop_filter,
            )
        )

    @property
    def frames_read(self) -> int:
        """Frames that have arrived so far."""
        return self._reader.frames_read

    @property
    def info(self) -> SourceInfo | None:
        """Codec, size and rate, and the processor time of this connection; None until there is one."""
        return self._reader.info

    def tap(self, take: TakePacket) -> None:
        """Hand out the video as it comes: H.264 and H.265, where they have timestamps."""
        self._reader.take_packet = take

    def frames(self, request: FrameRequest) -> Iterator[Frame]:
        """Yield the frames that are due at `request.fps`: uint8 RGB, scaled to `request.size_for` their size."""
        self._reader.start(request)
        try:
            while (frame := self._reader.next_frame()) is not None:
                yield frame
        finally:
            self._reader.stop()
            self._reader.join()

    def close(self) -> None:
        """End `frames()`, also one that waits in another thread."""
        self._reader.stop()


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _options(address: StreamAddress, transport: str) -> dict[str, str]:
    options = {
        "protocol_whitelist": address.protocols,
        "fpsprobesize": "0",  # to watch the pace before the first frame takes a second
    }
    if address.scheme in ("rtsp", "rtsps"):
        options |= {
            "rtsp_transport": transport,
            # Sound would cost bandwidth, and would keep a camera alive that sends no pictures.
            "allowed_media_types": "video",
        }
    return options
