"""One stream's clips: the ring of its video, and the recordings that are cut from it."""

import math
import threading
from collections.abc import Callable
from fractions import Fraction

from movinet_edge.api import ActionEvent, PacketSource, Source, TakePacket, VideoFormat, VideoPacket
from movinet_edge.evidence import PICTURES, PLAYABLE, PacketRing, Recording

# A source that gave no packet for so long gives none; its pictures are used instead.
_SILENT_S = 2.0

_PICTURES = VideoFormat(PICTURES, Fraction(1, 1000))


class StreamClips:
    """Fed with packets by the source's thread, or with pictures by the engine's, which also begins and ends clips."""

    def __init__(
        self, *, keep_s: float, longest_s: float, finished: Callable[[ActionEvent, list[VideoPacket]], None]
    ) -> None:
        """`keep_s` is how far a clip may reach back. `finished` gets what a clip is made of; it must not block."""
        self._longest_s, self._finished = longest_s, finished
        self._turn = threading.Lock()
        self._ring = PacketRing(keep_s)
        self._recordings: dict[str, tuple[ActionEvent, Recording]] = {}
        self._made_early: set[str] = set()
        """Events whose clip was finished before the event."""
        self._tap = 0
        self._packet_s = -math.inf

    def tapped(self, make_source: Callable[[], Source]) -> Callable[[], Source]:
        """Makes sources whose packets come here, where they can hand them out."""

        def make() -> Source:
            source = make_source()
            if isinstance(source, PacketSource):
                source.tap(self.tap())
            return source

        return make

    def tap(self) -> TakePacket:
        """What takes the packets of a new source. Those of the one before, which may hang, count no more."""
        with self._turn:
            self._restart()
            self._packet_s = -math.inf
            self._tap += 1
            number = self._tap

        def take(packet: VideoPacket) -> None:
            if packet.format.codec not in PLAYABLE:
                return
            with self._turn:
                # Between key frames only what goes on with one that is kept is of use; until then there are pictures.
                if number == self._tap and (packet.is_keyframe or packet.format == self._ring.format):
                    self._packet_s = packet.time_s
                    self._add(packet)

        return take

    def needs_pictures(self, time_s: float) -> bool:
        """True when no packets come that clips can be made of, at a time of the stream's clock."""
        return time_s - self._packet_s > _SILENT_S

    def picture(self, jpeg: bytes, time_s: float) -> None:
        """Take a picture in, where no packets come."""
        with self._turn:
            self._add(VideoPacket(jpeg, time_s, None, None, True, _PICTURES))

    def begin(self, event: ActionEvent, since_s: float) -> None:
        """Begin the clip of an action that started, with what there is since that time."""
        recording = Recording(self._longest_s, since_s=since_s)
        with self._turn:
            recording.extend(self._ring.since(since_s))
            self._recordings[event.id] = (event, recording)

    def end(self, event_id: str, until_s: float) -> bool:
        """The clip goes on until that time, unless it has ended; False when there is nothing to make it of."""
        with self._turn:
            if event_id not in self._recordings:
                made = event_id in self._made_early
                self._made_early.discard(event_id)
                return made
            recording = self._recordings[event_id][1]
            recording.end(until_s)
            self._finish_complete()
            return bool(recording.packets)

    def cut(self) -> None:
        """The video stops here: finish every clip with what there is."""
        with self._turn:
            self._finish(list(self._recordings))

    def forget(self, after_s: float) -> None:
        """Nothing that came so far may be part of a further clip, nor what is shown after that time of any clip."""
        with self._turn:
            for _, recording in self._recordings.values():
                recording.cut(after_s)
            self._restart()

    # What follows is called within `_turn`.

    def _restart(self) -> None:
        self._finish(list(self._recordings))
        self._ring.clear()

    def _add(self, packet: VideoPacket) -> None:
        if not self._ring.add(packet):
            self._finish([i for i, (_, recording) in self._recordings.items() if recording.packets])
        for _, recording in self._recordings.values():
            recording.add(packet)
        self._finish_complete()

    def _finish_complete(self) -> None:
        self._finish([i for i, (_, recording) in self._recordings.items() if recording.complete])

    def _finish(self, event_ids: list[str]) -> None:
        for event_id in event_ids:
            event, recording = self._recordings.pop(event_id)
            if recording.packets:
                self._finished(event, recording.packets)
                if not recording.has_end:
                    self._made_early.add(event_id)
