"""The seam between the engine and a runtime: a loaded file, and the tensors of one stream."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from movinet_edge.engine.interface import ModelInterface


@dataclass(frozen=True, slots=True)
class RuntimeInfo:
    """What runs the model. `xnnpack` is None where it cannot be told; `rewritten` where a faster file stands in."""

    name: str
    version: str
    threads: int
    xnnpack: bool | None
    rewritten: bool = False

    def __str__(self) -> str:
        xnnpack = {True: "XNNPACK on", False: "XNNPACK OFF", None: "XNNPACK unknown"}[self.xnnpack]
        plural, rewritten = "s" if self.threads > 1 else "", ", rewritten file" if self.rewritten else ""
        return f"{self.name} {self.version}, {xnnpack}, {self.threads} thread{plural}{rewritten}"


class StreamTensors(Protocol):
    """One stream's states, as they will go into its next frame."""

    sums: NDArray[np.float32]
    """float32 `[channels of all pools]`, the head's last: what the next frame takes in."""
    contributions: NDArray[np.float32]
    """float32, the same shape: what the last frame added to the sums; zeros before the first."""

    def clear(self) -> None:
        """All states as before the first frame."""
        ...

    def feed(self, sums: NDArray[np.float32], frames: int) -> None:
        """Let the pools go on with these sums of so many frames."""
        ...


class Session(Protocol):
    """A loaded model file. Not safe to run from two threads at once."""

    interface: ModelInterface
    runtime: RuntimeInfo
    image: NDArray[np.float32]
    """float32 `[1, 1, height, width, 3]` in [0, 1]: write the picture here before `run`."""

    def new_tensors(self) -> StreamTensors:
        """States for one more stream, as before its first frame."""
        ...

    def run(self, tensors: Any) -> NDArray[np.float32]:
        """One frame: `image` and the stream's states in, a new float32 `[classes]` array of logits out."""
        ...


class SessionStream:
    """One stream through a session, without window or preparation: to compare what two files say."""

    def __init__(self, session: Session) -> None:
        self._session, self._tensors = session, session.new_tensors()

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the pictures."""
        return self._session.interface.size_px

    def reset(self) -> None:
        """Forget all frames."""
        self._tensors.clear()

    def logits(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """The next frame: float32 `[height, width, 3]`, RGB in [0, 1] → float32 `[classes]`."""
        np.copyto(self._session.image[0, 0], image)
        return self._session.run(self._tensors)
