"""Hands on a video's packets as they came, still compressed, once it is known when they are to be shown.

Imports PyAV at the top, so a plugin imports this module in its constructor.
"""

from collections.abc import Callable
from typing import Any

import av
from av.bitstream import BitStreamFilterContext

from movinet_edge.api import TakePacket, VideoFormat, VideoPacket

# What browsers play; the filter turns the form of files (lengths) into that of streams (start codes), nothing else.
_TO_ANNEX_B = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}

# How the extra data of files begins (avcC and hvcC); start codes begin with zeros.
_FILE_FORM = 1

# The first picture comes out of the decoder after some packets, where pictures are reordered; never after so many.
_MOST_WAITING = 250


class PacketTap:
    """For one video and one thread: `came` takes each packet before it is decoded, and does nothing to it."""

    def __init__(self, stream: Any, take: TakePacket, time_of: Callable[[float], float | None]) -> None:
        """`stream` is PyAV's; `time_of` gives a timestamp's time on the stream's clock, None if not yet known."""
        codec = stream.codec_context.codec.canonical_name
        header = bytes(stream.codec_context.extradata or b"")
        in_file_form = header[:1] == bytes([_FILE_FORM])
        self._format = VideoFormat(codec, stream.time_base, b"" if in_file_form else header)
        self._filter = BitStreamFilterContext(_TO_ANNEX_B[codec], stream) if in_file_form else None
        self._take, self._time_of, self._stream = take, time_of, stream
        self._waiting: list[Any] = []
        self._time_s = 0.0

    @staticmethod
    def fits(stream: Any) -> bool:
        """True for what can be handed on: H.264 and H.265."""
        return stream.codec_context.codec.canonical_name in _TO_ANNEX_B

    def came(self, packet: Any, start_s: float) -> None:
        """Hand the packet on with those that wait, once their times are known, which begin at `start_s`."""
        if packet.size:
            self._waiting.append(self._copied(packet))
        if self._time_of(0.0) is None:
            if len(self._waiting) > _MOST_WAITING:
                self._waiting.clear()
            return
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            for ready in [one] if self._filter is None else self._filter.filter(one):
                self._hand_on(ready, start_s)

    def _copied(self, packet: Any) -> Any:
        # The filter takes away what it is given, and the decoder still wants the packet.
        copy = av.Packet(bytes(packet))
        copy.pts, copy.dts, copy.is_keyframe = packet.pts, packet.dts, packet.is_keyframe
        copy.time_base = self._stream.time_base
        return copy

    def _hand_on(self, packet: Any, start_s: float) -> None:
        stamp = packet.dts if packet.pts is None else packet.pts
        if stamp is not None:
            time_s = self._time_of(float(stamp * self._stream.time_base))
            self._time_s = self._time_s if time_s is None else start_s + time_s
        self._take(
            VideoPacket(bytes(packet), self._time_s, packet.pts, packet.dts, bool(packet.is_keyframe), self._format)
        )
