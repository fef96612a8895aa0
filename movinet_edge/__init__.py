"""movinet-edge: says what people do in front of a camera, as action-start and action-stop events."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("movinet-edge")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"
