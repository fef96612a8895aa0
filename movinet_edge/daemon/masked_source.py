"""A source outside the daemon's pipeline, for `probe` and the like: its pictures are masked as they come."""

from collections.abc import Callable, Iterator
from typing import ClassVar

from pydantic import BaseModel

from movinet_edge.api import DescribedSource, Frame, FrameRequest, Source, SourceInfo
from movinet_edge.evidence import Mask


def masked(make_source: Callable[[], Source], mask: Mask) -> Callable[[], Source]:
    """Makes sources whose pictures are masked."""
    return lambda: _MaskedSource(make_source(), mask)


class _MaskedSource:
    Settings: ClassVar[type[BaseModel]] = BaseModel

    def __init__(self, source: Source, mask: Mask) -> None:
        self._source, self._mask = source, mask
        self.live, self.frames_read = source.live, 0

    @property
    def info(self) -> SourceInfo | None:
        return self._source.info if isinstance(self._source, DescribedSource) else None

    def frames(self, request: FrameRequest) -> Iterator[Frame]:
        for frame in self._source.frames(request):
            self.frames_read = self._source.frames_read
            yield self._mask.applied(frame)

    def close(self) -> None:
        self._source.close()
