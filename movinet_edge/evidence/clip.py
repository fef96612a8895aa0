"""From packets to a clip that browsers play: an MP4 of the very same packets, or of H.264 made from pictures."""

import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from movinet_edge.api import MovinetEdgeError, VideoPacket

if TYPE_CHECKING:
    import av

PICTURES = "mjpeg"
"""The codec of packets that are JPEGs: browsers play no MP4 of these, so they are encoded anew."""

_REMUXED = frozenset({"h264", "hevc"})

PLAYABLE = _REMUXED | {PICTURES}
"""Codecs of which a clip can be made."""

# The second is Cisco's, in builds of FFmpeg without the first, for its licence.
_ENCODERS = ("libx264", "libopenh264")

# A few hundred small pictures: the fastest preset, which still makes a tenth of the JPEGs' size of them.
_ENCODER_OPTIONS = {"libx264": {"preset": "ultrafast", "crf": "26"}}

_TICKS_PER_S = 1000

# JPEGs use all values of a byte, videos 16 to 235, which players presume.
_FULL_RANGE, _VIDEO_RANGE = 2, 1


class ClipImpossible(MovinetEdgeError):
    """No clip can be made of these packets; the text says why."""


def as_mp4(packets: Sequence[VideoPacket]) -> bytes:
    """An MP4 of the packets, which begin with a key frame and are of one format.

    H.264 and H.265 are neither decoded nor encoded: each packet is in it as it was.

    Raises:
        ClipImpossible: there are none, or they are damaged or of a codec that is not in PLAYABLE.
    """
    if not packets:
        raise ClipImpossible("there is no video of that time")
    import av

    codec = packets[0].format.codec
    try:
        if codec in _REMUXED:
            return _remuxed(packets)
        if codec == PICTURES:
            return _encoded(packets)
    except (av.FFmpegError, OSError, ValueError, IndexError) as error:
        raise ClipImpossible(f"the video cannot be put into an MP4 ({error})") from error
    raise ClipImpossible(f"no browser plays {codec}")


def _remuxed(packets: Sequence[VideoPacket]) -> bytes:
    import av

    form = packets[0].format
    out = io.BytesIO()
    # What a decoder must know of the stream (its size, for example) is read from the first packet.
    begin = io.BytesIO(form.header + packets[0].data)
    with av.open(begin, format=form.codec) as template, av.open(out, "w", format="mp4") as container:
        stream = container.add_stream_from_template(template.streams.video[0], opaque=True)
        if form.codec == "hevc":
            stream.codec_context.codec_tag = "hvc1"  # the other way to put H.265 into an MP4 is not Apple's
        stream.time_base = form.time_base
        for packet in _stamped(_decodable(packets), stream):
            container.mux(packet)
    return out.getvalue()


def _decodable(packets: Sequence[VideoPacket]) -> Sequence[VideoPacket]:
    """Without what comes after the first key frame and is shown before it, and so refers to what is not there.

    Browsers give up at such a picture.
    """
    shown = _times_shown(packets)
    return [packet for packet, stamp in zip(packets, shown, strict=True) if stamp >= shown[0]]


def _stamped(packets: Sequence[VideoPacket], stream: Any) -> "Iterator[av.Packet]":
    """The packets as PyAV's, with timestamps from 0 on that rise as a container wants it."""
    import av

    form = packets[0].format
    shown = _times_shown(packets)
    # Many containers and cameras do not say when to decode: in the order of what is shown, as late as it can be.
    in_order = sorted(shown)
    delay = max(due - stamp for due, stamp in zip(in_order, shown, strict=True))
    begin, last_dts = in_order[0] - delay, -1
    for packet, stamp, due in zip(packets, shown, in_order, strict=True):
        made = av.Packet(packet.data)
        made.dts = max(last_dts + 1, due - delay - begin)
        made.pts = max(made.dts, stamp - begin)
        made.duration = max(1, made.dts - last_dts)  # of the last one, which nothing follows, as of the one before
        made.time_base, made.is_keyframe, made.stream = form.time_base, packet.is_keyframe, stream
        last_dts = made.dts
        yield made


def _times_shown(packets: Sequence[VideoPacket]) -> list[int]:
    """When each is shown, in ticks; of one that does not say (the first of many cameras), by the stream's clock."""
    stamps = [packet.dts if packet.pts is None else packet.pts for packet in packets]
    known = next(((packet, stamp) for packet, stamp in zip(packets, stamps, strict=True) if stamp is not None), None)
    zero_s, zero = (0.0, 0) if known is None else (known[0].time_s, known[1])
    ticks_per_s = float(1 / packets[0].format.time_base)
    return [
        zero + round((packet.time_s - zero_s) * ticks_per_s) if stamp is None else stamp
        for packet, stamp in zip(packets, stamps, strict=True)
    ]


def _encoded(packets: Sequence[VideoPacket]) -> bytes:
    import av

    decoder = av.CodecContext.create(PICTURES, "r")
    name = next((name for name in _ENCODERS if name in av.codecs_available), None)
    if name is None:
        raise ClipImpossible("this FFmpeg has no encoder for H.264")
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream(name, options=_ENCODER_OPTIONS.get(name, {}))
        stream.codec_context.time_base = stream.time_base = Fraction(1, _TICKS_PER_S)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1  # the model needs the others
        last_ms = -1
        for packet in packets:
            for picture in decoder.decode(av.Packet(packet.data)):
                if last_ms < 0:
                    # This pixel format halves both sides.
                    stream.width, stream.height = picture.width // 2 * 2, picture.height // 2 * 2
                last_ms = max(last_ms + 1, round((packet.time_s - packets[0].time_s) * _TICKS_PER_S))
                even = picture.reformat(
                    stream.width,
                    stream.height,
                    "yuv420p",
                    src_color_range=_FULL_RANGE,
                    dst_color_range=_VIDEO_RANGE,
                )
                even.pts, even.time_base = last_ms, Fraction(1, _TICKS_PER_S)
                container.mux(stream.encode(even))
        container.mux(stream.encode())
    return out.getvalue()
