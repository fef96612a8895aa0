"""The last seconds of a stream's video, still compressed, and the recordings that begin with them. Pure."""

import math
from collections import deque
from collections.abc import Sequence

from movinet_edge.api import VideoFormat, VideoPacket

# Four cameras of 8 Mbit/s with key frames ten seconds apart stay below it; what is above is cut at the beginning.
MOST_BYTES = 32 * 1024 * 1024

# Timestamps of one camera may change places by less; when they fall by more, its clock was set anew.
_JUMP_S = 1.0

# No video in use has its pictures further apart; after a longer hole, a clip would stand still where nothing was seen.
_PAUSE_S = 10.0


class PacketRing:
    """Keeps at least the last `keep_s` seconds from a key frame on, if they fit into `most_bytes`."""

    def __init__(self, keep_s: float, most_bytes: int = MOST_BYTES) -> None:
        self._keep_s, self._most_bytes = keep_s, most_bytes
        self._packets: deque[VideoPacket] = deque()
        self._keys_s: deque[float] = deque()
        self._newest_s = -math.inf
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._packets)

    @property
    def format(self) -> VideoFormat | None:
        """What the packets are; None when there are none."""
        return self._packets[-1].format if self._packets else None

    def clear(self) -> None:
        """Forget all; the next packet that counts is a key frame."""
        self._packets.clear()
        self._keys_s.clear()
        self._newest_s, self.size_bytes = -math.inf, 0

    def add(self, packet: VideoPacket) -> bool:
        """Take a packet in. False when it does not go on with what came before: it was left out, or all else was."""
        goes_on = self._goes_on(packet)
        if not goes_on:
            self.clear()
            if not packet.is_keyframe:
                return False
        self._packets.append(packet)
        self.size_bytes += len(packet.data)
        self._newest_s = max(self._newest_s, packet.time_s)
        if packet.is_keyframe:
            self._keys_s.append(packet.time_s)
        self._trim()
        return goes_on

    def since(self, time_s: float) -> list[VideoPacket]:
        """The packets from the last key frame at or before the time on, or from the oldest key frame that is left."""
        packets = list(self._packets)
        begin = 0
        for index, packet in enumerate(packets):
            if packet.is_keyframe and packet.time_s <= time_s:
                begin = index
        return packets[begin:]

    def _goes_on(self, packet: VideoPacket) -> bool:
        if not self._packets:
            return False
        last = self._packets[-1]
        if packet.format is not last.format and packet.format != last.format:
            return False
        return -_JUMP_S <= packet.time_s - self._newest_s <= _PAUSE_S and _same_video(last, packet)

    def _trim(self) -> None:
        # From key frame to key frame: what lies between can only be decoded from the one before it.
        while len(self._keys_s) > 1 and (
            self._keys_s[1] <= self._newest_s - self._keep_s or self.size_bytes > self._most_bytes
        ):
            self._keys_s.popleft()
            while True:
                self.size_bytes -= len(self._packets.popleft().data)
                if self._packets[0].is_keyframe:
                    break
        if self.size_bytes > self._most_bytes:
            self.clear()


def _same_video(earlier: VideoPacket, later: VideoPacket) -> bool:
    """False when the timestamps tell of another recording: they go on otherwise than the stream's clock."""
    since_s = later.time_s - earlier.time_s
    if earlier.dts is not None and later.dts is not None and later.dts < earlier.dts and since_s > 0.0:
        return False
    if earlier.pts is None or later.pts is None:
        return True
    return abs(float((later.pts - earlier.pts) * later.format.time_base) - since_s) < _JUMP_S


class Recording:
    """Collects what one clip is made of: from the ring's packets on, until it is told to end or is long enough."""

    def __init__(self, longest_s: float, most_bytes: int = MOST_BYTES, *, since_s: float = -math.inf) -> None:
        """`longest_s` counts from the first packet, or from `since_s` if the last key frame before is some time ago."""
        self.packets: list[VideoPacket] = []
        self._longest_s, self._left_bytes = longest_s, most_bytes
        self._since_s, self._until_s = since_s, math.inf
        self.complete = False

    @property
    def has_end(self) -> bool:
        """True once it was told when to end."""
        return self._until_s < math.inf

    def add(self, packet: VideoPacket) -> None:
        """Take one more, a key frame at first; nothing once it is complete."""
        if not self.packets and not packet.is_keyframe:
            return
        begin_s = max(self._since_s, self.packets[0].time_s if self.packets else packet.time_s)
        self._left_bytes -= len(packet.data)
        if packet.time_s > self._until_s or packet.time_s - begin_s > self._longest_s or self._left_bytes < 0:
            self.complete = True
        if not self.complete:
            self.packets.append(packet)

    def extend(self, packets: Sequence[VideoPacket]) -> None:
        """Take several."""
        for packet in packets:
            self.add(packet)

    def end(self, until_s: float) -> None:
        """Nothing after that time is wanted, and what came already is dropped again."""
        self._until_s = until_s
        self.cut(until_s)

    def cut(self, after_s: float) -> None:
        """What came and is shown after that time is dropped again, and then nothing follows any more."""
        for index, packet in enumerate(self.packets):
            if packet.time_s > after_s:
                # In the order of decoding: what follows may refer to it.
                del self.packets[index:]
                self.complete = True
                return
