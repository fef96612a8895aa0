"""Hands on a video's packets as they came, still compressed, once it is known when they are to be shown.

Imports PyAV at the top, so a plugin imports this module in its constructor.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import av
from av.bitstream import BitStreamFilterContext

from movinet_edge.api import TakePacket, VideoFormat, VideoPacket

# What browsers play; the filter turns the form of files (lengths) into that of streams (start codes), nothing else.
_TO_ANNEX_B = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}

# How the extra data of files begins (avcC and hvcC); start codes begin with zeros.
_FILE_FORM = 1

_START_CODE = b"\0\0\0\1"

# FFmpeg calls more of H.264 key frames: where pictures are renewed strip by strip, or the next ones refer to earlier
# ones. Of a clip that begins so, browsers show nothing at all. The kind is in the lower five bits: 5, an IDR picture.
_BEGINS_ANEW = re.compile(rb"\x00\x00\x01[\x25\x45\x65]")

# The first picture comes out of the decoder after some packets, where pictures are reordered; never after so many.
_MOST_WAITING = 250


class PacketTap:
    """For one video and one thread: `came` takes each packet before it is decoded, and does nothing to it."""

    def __init__(self, stream: Any, take: TakePacket, time_of: Callable[[float], float | None]) -> None:
        """`stream` is PyAV's; `time_of` gives a timestamp's time on the stream's clock, None if not yet known."""
        codec = stream.codec_context.codec.canonical_name
        header = bytes(stream.codec_context.extradata or b"")
        self._in_file_form = header[:1] == bytes([_FILE_FORM])
        if self._in_file_form:
            # The filter puts these before some key frames alone, and a clip may begin with any.
            header = b"".join(_START_CODE + unit for unit in _parameter_sets(codec, header))
        self._format = VideoFormat(codec, stream.time_base, header)
        self._filter: BitStreamFilterContext | None = None
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
            for ready in self._in_stream_form(one):
                self._hand_on(ready, start_s)

    def _in_stream_form(self, packet: Any) -> Sequence[Any]:
        if not self._in_file_form:
            return [packet]
        try:
            if self._filter is None:
                self._filter = BitStreamFilterContext(_TO_ANNEX_B[self._format.codec], self._stream)
            return self._filter.filter(packet)
        except av.FFmpegError:  # a damaged packet, or header: the decoder says so, and goes on if it can
            return []

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
        data = bytes(packet)
        is_keyframe = packet.is_keyframe and (self._format.codec != "h264" or _BEGINS_ANEW.search(data) is not None)
        self._take(VideoPacket(data, self._time_s, packet.pts, packet.dts, is_keyframe, self._format))


def _parameter_sets(codec: str, header: bytes) -> Iterator[bytes]:
    """What a header in the form of files holds; less of a damaged one.

    Source: ISO/IEC 14496-15, AVCDecoderConfigurationRecord and HEVCDecoderConfigurationRecord.
    """
    rest = memoryview(header)
    if codec == "h264":
        rest = rest[5:]
        lists = 2
    else:
        lists = int.from_bytes(rest[22:23])
        rest = rest[23:]
    for _ in range(lists):
        if codec == "h264":
            count = int.from_bytes(rest[:1]) & 31
            rest = rest[1:]
        else:
            count = int.from_bytes(rest[1:3])
            rest = rest[3:]
        for _ in range(count if rest else 0):
            length = int.from_bytes(rest[:2])
            if unit := bytes(rest[2 : 2 + length]):
                yield unit
            rest = rest[2 + length :]
