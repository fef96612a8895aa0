"""A loaded streaming model and the state of one stream: `step(image, state)` gives the scores of one frame."""

import threading
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from movinet_edge.api import Colour, ModelError
from movinet_edge.engine.fast import OFF, FastPath, open_fastest
from movinet_edge.engine.interface import ModelInterface
from movinet_edge.engine.labels import check_count, find_labels
from movinet_edge.engine.preprocess import Fit, Preprocessor
from movinet_edge.engine.runtime import RuntimeChoice
from movinet_edge.engine.scores import softmax, top
from movinet_edge.engine.session import RuntimeInfo, Session
from movinet_edge.engine.window import SlidingWindow

Memory: TypeAlias = Literal["window", "cumulative"]
"""`window` remembers the last W frames exactly; `cumulative` all since the reset, as the official example does."""

DEFAULT_WINDOW = 25
"""Frames: 5 s at the models' 5 fps. Accuracy on clips is that of no window, and a new action shows within 2 s."""


class ScoresNotFinite(ModelError):
    """The model returned NaN or infinity; the stream's state was reset, so the next frame starts afresh."""


class StreamState:
    """What the model remembers of one stream. Made by `Model.new_state`; belongs to that model."""

    def __init__(
        self, session: Session, turn: threading.RLock, memory: Memory, window: int, preprocessor: Preprocessor
    ) -> None:
        self.memory, self.window, self.preprocessor = memory, window, preprocessor
        self._turn = turn
        self.tensors = session.new_tensors()
        self._sliding = SlidingWindow(window, self.tensors.sums.size) if memory == "window" else None
        pools = session.interface.pools
        self._head = slice(self.tensors.sums.size - (pools[-1].channels if pools else 0), None)
        self._head_sum = self.tensors.sums[self._head].copy()
        self.frames = 0
        """Frames since the start or the last reset."""

    def reset(self) -> None:
        """Forget the stream: the next frame is scored as the first one of a fresh process would be."""
        with self._turn:
            self.tensors.clear()
            self.frames = 0
            self._head_sum.fill(0.0)
            if self._sliding is not None:
                self._sliding.reset()

    def remember(self) -> None:
        """After a frame: count it, and keep the pools' sums within the window."""
        self.frames += 1
        np.copyto(self._head_sum, self.tensors.sums[self._head])
        if self._sliding is None:
            return
        sums = self._sliding.push(self.tensors.contributions)
        if sums is not None:
            self.tensors.feed(sums, self.window - 1)

    @property
    def embedding(self) -> NDArray[np.float32]:
        """The remembered frames' mean of the head pool: float32 `[channels]` (480 for A0); zeros before a frame."""
        mean: NDArray[np.float32] = self._head_sum / np.float32(max(1, self.remembered))
        return mean

    @property
    def contribution(self) -> NDArray[np.float32]:
        """What the last frame alone added to the head pool: float32 `[channels]` (480 for A0); zeros before a frame.

        The mean of the last W of them is the `embedding` of a window of W. Files that keep the pool's sum in int8 give
        it in coarse steps, unless they run rewritten.
        """
        return self.tensors.contributions[self._head].copy()

    @property
    def remembered(self) -> int:
        """How many frames the scores are an average of."""
        return self.frames if self._sliding is None else min(self.frames, self.window)


class Model:
    """A streaming MoViNet file. One serves any number of streams; calls from several threads take turns."""

    def __init__(
        self, path: Path, session: Session, labels: tuple[str, ...], name: str | None = None, fast: FastPath = OFF
    ) -> None:
        self.path, self.labels, self.name = path, labels, name or path.stem
        self.session, self.fast = session, fast
        # Re-entrant, for a state that is reset in its own turn. States share it: a runtime must not run meanwhile.
        self._turn = threading.RLock()

    @property
    def interface(self) -> ModelInterface:
        """Names, shapes and dtypes of everything that goes in and out."""
        return self.session.interface

    @property
    def runtime(self) -> RuntimeInfo:
        """What runs the model, its version, and whether XNNPACK is on."""
        return self.session.runtime

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the model's input in pixels."""
        return self.session.interface.size_px

    @property
    def classes(self) -> int:
        """Number of labels."""
        return self.session.interface.classes

    def new_state(
        self,
        *,
        memory: Memory = "window",
        window: int = DEFAULT_WINDOW,
        fit: Fit = "stretch",
        roi: Sequence[float] | None = None,
    ) -> StreamState:
        """State for one stream, as before its first frame.

        Args:
            memory: `window`, or `cumulative` to compare with the official example.
            window: frames remembered.
            fit: how a picture of another shape is fitted into the model's.
            roi: the part of the picture to look at: x, y, width, height as fractions.
        """
        if memory not in ("window", "cumulative"):
            raise ValueError(f"memory must be window or cumulative, not {memory!r}")
        if window < 1:
            raise ValueError(f"window must be at least 1 frame, not {window}")
        preprocessor = Preprocessor(*self.size_px, fit=fit, roi=roi)
        with self._turn:
            return StreamState(self.session, self._turn, memory, window, preprocessor)

    def step(self, image: NDArray[Any], state: StreamState, *, colour: Colour = "rgb") -> NDArray[np.float32]:
        """Score one frame.

        Args:
            image: uint8 or uint16 picture of any size, `[height, width, channels]` or `[height, width]`.
            state: the stream's; it takes this frame in.
            colour: the order of the channels.

        Returns:
            float32 `[classes]`, in [0, 1], sum 1; a new array.

        Raises:
            ValueError: the array is not a picture of that colour; the state is as before.
            ScoresNotFinite: the model failed on this frame; the state was reset.
        """
        with self._turn:
            state.preprocessor.into(image, colour, self.session.image[0, 0])
            return softmax(self._run(state))

    def step_tensor(self, tensor: NDArray[np.float32], state: StreamState) -> NDArray[np.float32]:
        """Logits of one frame that is prepared already.

        Args:
            tensor: float32 RGB in [0, 1], `[height, width, 3]` of the model's size, leading ones allowed.
            state: the stream's; it takes this frame in.

        Returns:
            float32 `[classes]`, unbounded; a new array.
        """
        image = self.session.image
        if tensor.dtype != np.float32 or tensor.shape not in (image.shape, image.shape[1:], image.shape[2:]):
            raise ValueError(
                f"expected float32 {list(image.shape[2:])} in [0, 1], got {tensor.dtype} {list(tensor.shape)}"
            )
        with self._turn:
            np.copyto(image, tensor)
            return self._run(state)

    def _run(self, state: StreamState) -> NDArray[np.float32]:
        logits = self.session.run(state.tensors)
        if not np.isfinite(logits).all():
            state.reset()
            raise ScoresNotFinite(f"{self.name} returned NaN or infinity for this frame")
        state.remember()
        return logits

    def top(
        self,
        scores: NDArray[np.float32],
        count: int | None = 5,
        *,
        threshold: float = 0.0,
        allow: Collection[str] | None = None,
        deny: Collection[str] | None = None,
    ) -> list[tuple[str, float]]:
        """The best labels with their scores, best first; see `movinet_edge.engine.scores.top`."""
        return top(scores, self.labels, count=count, threshold=threshold, allow=allow, deny=deny)


def load_model(
    path: Path,
    *,
    name: str | None = None,
    labels: Sequence[str] | None = None,
    runtime: RuntimeChoice = "auto",
    threads: int = 1,
    fast: bool = True,
    cache: Path | None = None,
) -> Model:
    """Load a model file, rewritten for speed where that is possible and proved: see `Model.fast`.

    Args:
        path: a streaming MoViNet as TFLite.
        name: what events call it; None takes the file's name.
        labels: one name per class; None takes those packed into the file or lying beside it.
        runtime: `auto` prefers LiteRT.
        threads: for one inference. More than one has not made A0 faster; streams are better served by one.
        fast: False runs the file as it is.
        cache: folder that keeps rewritten files; None makes and proves them anew at each start.

    Raises:
        ModelError: file, labels or runtime cannot be used; the text says why and what would help.
    """
    session, way = open_fastest(path, runtime, threads, fast=fast, cache=cache)
    classes = session.interface.classes
    names = find_labels(path, classes) if labels is None else check_count(labels, classes, path, "the list given")
    return Model(path, session, names, name, way)
