"""Reads files with the `file` source, and says which frames came."""

from clips import index_of

from movinet_edge.api import FrameRequest
from movinet_edge_plugins.file import FileSource


def read(path, *, fps=None, size_for=None, **settings):
    request = FrameRequest(fps) if size_for is None else FrameRequest(fps, size_for)
    return list(FileSource(FileSource.Settings(path=path, **settings)).frames(request))


def times(frames):
    return [round(frame.time_s, 3) for frame in frames]


def indices(frames):
    return [index_of(frame.image) for frame in frames]
