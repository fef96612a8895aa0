"""What a trial shows: how long streams were away, how soon silence was noticed, what was left over. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from camera_trial import BACK_WITHIN_S, STALL_AFTER_S, Episode, Trial
from coloured_scenes import check_pairs
from fault_plan import SILENT, SPOILING
from peers.rtsp_server import KEY_FRAME_S
from watched_daemon import Holdings, Look

from movinet_edge.api import EventType, StreamState

FRESH_S = 1.0
"""No picture that is older is to be scored."""

PATH_S = 0.8
"""What may lie between the making of a picture and its score on a busy machine when nothing goes wrong."""

NOTICED_WITHIN_S = STALL_AFTER_S + 1.0
"""How long a silent stream may be called live."""

# Pictures are scored five times a second, and a network that is late by a second is no outage.
_OUTAGE_S = 2.0

# A damaged picture shines through until the next key frame, which may be held up a little.
_SPOILT_S = KEY_FRAME_S + FRESH_S

_NO_LOOK = Look(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class StreamFinding:
    """One stream's figures.

    Attributes:
        scored: pictures.
        longest_outage_s: the longest time between two of them.
        back_s: from the end of faults to when it was live for good, for each time without faults.
        noticed_s: how long it was called live after a silence had begun, for each silence that was long enough.
        oldest: the look at the oldest picture, apart from those that a fault may have damaged.
    """

    scored: int
    longest_outage_s: float
    back_s: tuple[float, ...]
    noticed_s: tuple[float, ...]
    oldest: Look


def back_after_s(looks: Sequence[Look], calm_from_s: float, calm_until_s: float) -> float:
    """How long after the end of faults the last outage ended, in a time without faults; 0 when there was none."""
    before = [look.at_s for look in looks if look.at_s <= calm_from_s][-1:] or [calm_from_s]
    during = [look.at_s for look in looks if calm_from_s < look.at_s < calm_until_s]
    ends_s = [two for one, two in pairwise([*before, *during, calm_until_s]) if two - one > _OUTAGE_S]
    return max(ends_s, default=calm_from_s) - calm_from_s


def noticed_after_s(states: Sequence[tuple[float, StreamState]], begin_s: float, end_s: float) -> float | None:
    """How long after a silence began the stream was called live.

    None when it was not live before, or when the silence ended before it had to be noticed.
    """
    before = [state for at_s, state in states if at_s <= begin_s]
    if before[-1:] != [StreamState.LIVE] or end_s - begin_s < NOTICED_WITHIN_S:
        return None
    noticed_s = (at_s for at_s, state in states if at_s > begin_s and state is not StreamState.LIVE)
    return min(next(noticed_s, end_s), end_s) - begin_s


def of_stream(trial: Trial, stream: str) -> StreamFinding:
    """The figures of one stream."""
    looks, states = trial.notes.looks[stream], trial.notes.states[stream]
    met = _met(trial, stream)
    silences = [
        episode
        for episode in met
        if episode.fault.kind in SILENT and not any(_overlap(episode, other) for other in met if other is not episode)
    ]
    noticed = (noticed_after_s(states, silence.begin_s, silence.end_s) for silence in silences)
    times_s = [look.at_s for look in looks if look.at_s < trial.end_s]
    clear = (look for look in looks if not _may_be_spoilt(look, met))
    return StreamFinding(
        scored=len(looks),
        longest_outage_s=max((two - one for one, two in pairwise([*times_s, trial.end_s])), default=float("inf")),
        back_s=tuple(back_after_s(looks, *calm) for calm in _calms(met, trial.end_s)),
        noticed_s=tuple(noticed_s for noticed_s in noticed if noticed_s is not None),
        oldest=max(clear, key=lambda look: look.age_s, default=_NO_LOOK),
    )


def problems(trial: Trial) -> list[str]:
    """Everything that should not have been, in sentences; empty when all is well."""
    found = []
    for stream in trial.notes.looks:
        finding = of_stream(trial, stream)
        # A time that ended with an outage counts as if it had ended then.
        if max(finding.back_s, default=0.0) > BACK_WITHIN_S:
            found.append(f"{stream} was live again only {max(finding.back_s):.1f} s after a fault")
        if max(finding.noticed_s, default=0.0) > NOTICED_WITHIN_S:
            found.append(f"{stream} was called live for {max(finding.noticed_s):.1f} s of silence")
        if finding.oldest.age_s > FRESH_S + PATH_S:
            lately = _lately(trial, stream, finding.oldest)
            found.append(f"{stream}: a picture was scored {finding.oldest.age_s:.1f} s after it was made, {lately}")
    return [*found, *_left_over(trial), *_wrong_events(trial)]


def _left_over(trial: Trial) -> Iterable[str]:
    for when, usual, now in (("live again", trial.at_first, trial.at_last), ("stopped", trial.before, trial.after)):
        for left in _more(usual, now):
            yield f"once all was {when}: {left} too many"
    for stream in trial.status.streams:
        if stream.state is not StreamState.LIVE:
            yield f"{stream.name} is {stream.state} in the end: {stream.reason}"
        if stream.health.hanging:
            yield f"{stream.name} has readers that hang: {stream.health.hanging}"


def _more(usual: Holdings, now: Holdings) -> Iterable[str]:
    for name, count in (now.threads - usual.threads).items():
        yield f"{count} threads {name!r}"
    if now.descriptors > usual.descriptors:
        yield f"{now.descriptors - usual.descriptors} descriptors"


def _wrong_events(trial: Trial) -> Iterable[str]:
    try:
        check_pairs(trial.events)
    except AssertionError as error:
        yield f"events: {error}"
    if trial.delivered != trial.events:
        yield f"the sink got {len(trial.delivered)} events, and the outbox holds {len(trial.events)}"


def stop_reasons(trial: Trial) -> Counter[str]:
    """How many occurrences ended for which reason."""
    return Counter(event.reason.value for event in trial.events if event.event_type is EventType.STOP and event.reason)


def median_and_worst(values_s: Sequence[float]) -> str:
    """As text."""
    return f"{median(values_s):.1f} / {max(values_s):.1f}" if values_s else "-"


def _met(trial: Trial, stream: str) -> list[Episode]:
    return [episode for episode in trial.episodes if stream in episode.streams]


def _overlap(one: Episode, other: Episode) -> bool:
    return other.begin_s < one.end_s and other.end_s > one.begin_s


def _calms(met: Sequence[Episode], end_s: float) -> Iterable[tuple[float, float]]:
    """The times without faults that a stream had, as far as they were long enough to come back in."""
    over_s = None
    for begin_s, until_s in [*sorted((episode.begin_s, episode.end_s) for episode in met), (end_s, end_s)]:
        if over_s is not None and begin_s - over_s > BACK_WITHIN_S:
            yield over_s, begin_s
        over_s = until_s if over_s is None else max(over_s, until_s)


def _may_be_spoilt(look: Look, met: Iterable[Episode]) -> bool:
    return any(
        episode.fault.kind in SPOILING and episode.begin_s <= look.at_s <= episode.end_s + _SPOILT_S for episode in met
    )


def _lately(trial: Trial, stream: str, look: Look) -> str:
    """The faults and states of the last seconds before a look."""
    told = [
        f"{episode.fault.kind} at {episode.fault.place} from {episode.begin_s - look.at_s:.1f}"
        f" to {episode.end_s - look.at_s:+.1f} s"
        for episode in _met(trial, stream)
        if episode.begin_s < look.at_s < episode.end_s + BACK_WITHIN_S
    ]
    states = [f"{state} {at_s - look.at_s:.1f} s" for at_s, state in trial.notes.states[stream] if at_s < look.at_s]
    return f"after: {', '.join([*told, *states[-3:]])}"
