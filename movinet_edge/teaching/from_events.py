"""Examples from use: the events that somebody has called right, wrong, or something else."""

from movinet_edge.api import ConfigurationError
from movinet_edge.daemon.event_labels import EventLabels
from movinet_edge.heads import BACKGROUND
from movinet_edge.teaching.examples import Example, Span

# A shorter event has too few windows to learn from; and one that was labelled while it went on seems to have none.
_LEAST_S = 2.0


def examples_from_events(labels: EventLabels, action: str) -> tuple[list[Example], int]:
    """Examples of the action, background from all else that was labelled, and the number of labels without a clip.

    What happened on one stream on one day has one source. What a clip shows before and after its event is not looked
    at, unless it was none of the actions.

    Raises:
        ConfigurationError: nothing was labelled yet.
    """
    examples, without_clip = [], 0
    for label in labels.all().values():
        clip = labels.clip_of(label)
        if clip is None:
            without_clip += 1
            continue
        end_s = label.start_s + max(label.duration_s, _LEAST_S)
        span = Span(action, label.start_s, end_s) if label.action == action else Span(BACKGROUND)
        source = f"{label.stream}, day {label.started_at.date().isoformat()}"
        examples.append(Example(str(clip), (span,), source))
    if not examples and not without_clip:
        raise ConfigurationError(
            f"no event is labelled yet in {labels.folder}; `movinet-edge events label ID right` does that"
        )
    return examples, without_clip
