"""What rewriting does to one model file: pass by pass, how far its logits move, and how long a frame takes."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from movinet_edge.engine.fast import kept_in, prove
from movinet_edge.engine.measure_rows import in_turn
from movinet_edge.engine.native_log import captured_native_log
from movinet_edge.engine.rewrite import Family, PassReport, Proof, hosted_session, read_signature
from movinet_edge.engine.runtime import open_session
from movinet_edge.engine.session import Session, SessionStream
from movinet_edge.engine.tflite import partitions


@dataclass(frozen=True, slots=True)
class Form:
    """A file as it is, or rewritten.

    Attributes:
        operators: of its graph.
        partitions: pieces of the graph that XNNPACK takes; between two of them values are handed to and fro.
        frame_ms: median time of a frame in the engine, picture in place to logits, one thread.
        size_bytes: of the file.
    """

    operators: int
    partitions: int
    frame_ms: float
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Examination:
    """All about one file.

    Attributes:
        family: what it was converted to.
        runtime: what runs the rewritten form, in words.
        reports: what each pass did.
        proof: how far the logits of the self-test's frames lie from the untouched file's.
        before, after: the file as it is, and rewritten.
        faster: `before.frame_ms` ÷ `after.frame_ms`, by rows of frames that ran side by side.
        took_s: for rewriting and proving, which happens at the first start alone.
    """

    family: Family
    runtime: str
    reports: tuple[PassReport, ...]
    proof: Proof
    before: Form
    after: Form
    faster: float
    took_s: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def examine(path: Path, *, frames: int, cache: Path | None = None) -> Examination:
    """Rewrite and prove a file anew, keep the outcome in `cache`, and time `frames` frames of both forms.

    Raises:
        RewriteRefused: it cannot be rewritten, or what came out is too far from it.
        ModelError: the file cannot be used at all.
    """
    plain = open_session(path)
    content = path.read_bytes()
    interface = read_signature(content)
    proofs: list[Proof] = []
    began = time.perf_counter()
    rewritten = kept_in(cache).optimised(
        content, lambda made: proofs.append(prove(content, made, interface)), anew=True
    )
    took_s = time.perf_counter() - began
    fast = hosted_session(rewritten, interface)
    before_ms, after_ms = (np.median(t, axis=1) for t in _times_ms(plain, fast, frames))
    return Examination(
        family=rewritten.family,
        runtime=str(fast.runtime),
        reports=rewritten.reports,
        proof=proofs[0],
        before=_form(content, rewritten.operators_before, float(np.median(before_ms))),
        after=_form(rewritten.content, rewritten.reports[-1].operators, float(np.median(after_ms))),
        faster=float(np.median(before_ms / after_ms)),
        took_s=took_s,
    )


def _times_ms(plain: Session, fast: Session, frames: int) -> Any:
    image = np.random.default_rng(0).random(plain.image.shape[2:], np.float32)
    before, after = SessionStream(plain), SessionStream(fast)
    ways = {"as it is": lambda: before.logits(image), "rewritten": lambda: after.logits(image)}
    return in_turn(ways, frames).values()


def _form(content: bytes, operators: int, frame_ms: float) -> Form:
    with captured_native_log():
        return Form(operators, partitions(content), frame_ms, len(content))
