"""The self-test of `doctor`: does the model see in the bundled clip what is in it, and how long does a frame take?"""

import platform
from collections.abc import Iterator
from pathlib import Path

from movinet_edge.api import ActionEvent, EventType, MovinetEdgeError, StopReason
from movinet_edge.config import read_document
from movinet_edge.daemon.assembly import assemble
from movinet_edge.daemon.diagnosis import Finding
from movinet_edge.library import BUILTIN_MODEL, DEFAULT_MODEL, Model
from movinet_edge.models import ModelStore

_CONFIGURATION = Path(__file__).resolve().parent / "demo.yaml"
_EXPECTED = ("jumping jacks", "push up")

_FRAMES = 40  # of each way that is measured: two rows, under a second on a Raspberry Pi 4

# Milliseconds per frame of the official A0 int8 file, one thread: measured on x86-64, for the others estimated from
# counted instructions. The first that the board's or the machine's name begins with counts. builtin takes half of it.
_USUAL_MS = {"Raspberry Pi 5": 5.0, "Raspberry Pi 4": 15.0, "Raspberry Pi 3": 40.0, "x86_64": 3.0, "aarch64": 15.0}
_USUAL_ELSEWHERE_MS = 50.0
# Without XNNPACK a frame takes 5 to 12 times as long; a busy machine seldom more than twice.
_SLOW = 3.0


def self_test(store: ModelStore, board: str) -> Iterator[Finding]:
    """Score the clip with the default model, or the package's own where that is not here, then time frames.

    `board` is the machine's own name, or empty.
    """
    model_name = next((name for name in (DEFAULT_MODEL, BUILTIN_MODEL) if store.find(name)), None)
    if model_name is None:
        yield Finding("self-test", f"not done without {DEFAULT_MODEL}", f"movinet-edge models pull {DEFAULT_MODEL}")
        return
    try:
        document = read_document(_CONFIGURATION, environ={"MOVINET_EDGE__MODEL": model_name})
        assembly = assemble(document, pull=False, store=store)
    except MovinetEdgeError as error:
        yield Finding("self-test", f"not done: {error}", "put right what it says")
        return
    parts = assembly.streams["demo"]
    model = parts.pipeline.model
    yield _runtime(model)
    source = parts.make_source()
    events: list[ActionEvent] = []
    try:
        for frame in source.frames(parts.pipeline.request):
            events += parts.pipeline.feed(frame)
    finally:
        source.close()
    events += parts.pipeline.end(StopReason.SOURCE_LOST)
    yield judged(events)
    yield _speed(model, board)


def judged(events: list[ActionEvent]) -> Finding:
    """Whether these are the clip's two actions, one after the other."""
    seen = tuple(event.action for event in events if event.event_type is EventType.START)
    stops = tuple(event.action for event in events if event.event_type is EventType.STOP)
    if seen == stops == _EXPECTED:
        return Finding("bundled clip", f"{' and '.join(seen)} seen, as expected")
    found = ", ".join(seen) or "nothing"
    return Finding(
        "bundled clip",
        f"{found} seen, where {' and '.join(_EXPECTED)} should be",
        "the model or its runtime computes wrong numbers here: name this machine and its runtime in an issue",
    )


def judged_speed(frame_ms: float, board: str, machine: str) -> Finding:
    """The time of a frame beside what is usual on such a machine."""
    usual_ms = next(
        (ms for name, ms in _USUAL_MS.items() if board.startswith(name) or machine == name), _USUAL_ELSEWHERE_MS
    )
    known = "are usual" if machine == "x86_64" else "are expected, by an estimate,"
    found = f"{frame_ms:.1f} ms per frame; about {usual_ms:g} ms or less {known} on {board or machine}"
    if frame_ms <= _SLOW * usual_ms:
        return Finding("speed", found)
    return Finding("speed", found, "see whether other programs are busy (`top`), the power is weak, or XNNPACK is off")


def _runtime(model: Model) -> Finding:
    remedy = None
    if model.runtime.xnnpack is False:
        remedy = "XNNPACK is off, so a frame takes 5 to 12 times as long: in a systemd unit remove ProcSubset=pid"
    elif model.fast.refused:
        remedy = f"it runs as it is, not rewritten for speed ({model.fast.reason}): tell of this line in an issue"
    return Finding("runtime", f"{model.name} on {model.runtime}", remedy)


def _speed(model: Model, board: str) -> Finding:
    from movinet_edge.engine.measure import measure
    from movinet_edge.engine.native_log import captured_native_log

    with captured_native_log():  # what is compared with brings an interpreter of its own
        figures = measure(model, frames=_FRAMES)
    return judged_speed(figures.timings[0].p50_ms, board, platform.machine())
