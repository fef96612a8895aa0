"""The seam between the engine and a runtime: a loaded file, and the tensors of one stream."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from movinet_edge.engine.interface import ModelInterface, StateSpec


@dataclass(frozen=True, slots=True)
class RuntimeInfo:
    """What runs the model. `xnnpack` is None where it cannot be told."""

    name: str
    version: str
    threads: int
    xnnpack: bool | None

    def __str__(self) -> str:
        xnnpack = {True: "XNNPACK on", False: "XNNPACK OFF", None: "XNNPACK unknown"}[self.xnnpack]
        return f"{self.name} {self.version}, {xnnpack}, {self.threads} thread{'s' if self.threads > 1 else ''}"


class StreamTensors(Protocol):
    """One stream's states, as they will go into its next frame."""

    def clear(self) -> None:
        """All states to zero, as before the first frame."""
        ...

    def read(self, state: StateSpec) -> NDArray[Any]:
        """The value that the next frame will take in, flat; a copy."""
        ...

    def write(self, state: StateSpec, value: NDArray[Any]) -> None:
        """Replace the value that the next frame will take in; `value` is flat and of the state's dtype."""
        ...


class Session(Protocol):
    """A loaded model file. Not safe to run from two threads at once."""

    interface: ModelInterface
    runtime: RuntimeInfo
    image: NDArray[np.float32]
    """float32 `[1, 1, height, width, 3]` in [0, 1]: write the picture here before `run`."""

    def new_tensors(self) -> StreamTensors:
        """States for one more stream, all zero."""
        ...

    def run(self, tensors: Any) -> NDArray[np.float32]:
        """One frame: `image` and the stream's states in, a new float32 `[classes]` array of logits out."""
        ...
