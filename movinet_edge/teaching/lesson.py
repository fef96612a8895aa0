"""One lesson from beginning to end: see the examples, learn each action, try it out, and write the card."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from movinet_edge.api import ConfigurationError
from movinet_edge.engine import Model
from movinet_edge.heads import BACKGROUND, MOST_CLASSES, ClassName, Head, HeadCard, Trunk
from movinet_edge.models.checksum import fingerprint
from movinet_edge.teaching.examples import Example, Span
from movinet_edge.teaching.figures import Figures, figures_of
from movinet_edge.teaching.learning import FOLDS, Learned, Rows, collect, learn
from movinet_edge.teaching.looks import AS_IT_IS, looks
from movinet_edge.teaching.record import Record, RecordedExample
from movinet_edge.teaching.seeing import Signals, see

SeenSoFar: TypeAlias = Callable[[int, float], None]
"""Called with the index of the example being seen and the seconds of it so far."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A labelled part of an example: what is found or missed as one."""

    example: Example
    span: Span

    def __str__(self) -> str:
        """As a person would look it up."""
        if self.span.start_s == 0.0 and self.span.end_s is None:
            return self.example.path
        end = "end" if self.span.end_s is None else f"{self.span.end_s:g}"
        return f"{self.example.path} ({self.span.start_s:g}–{end} s)"


@dataclass(frozen=True, slots=True)
class Lesson:
    """What came of teaching.

    Attributes:
        head: the new head.
        units: everything that was shown and could be used, in order.
        rows: what the trunk made of it.
        learned: of each action, by name.
        figures: of each action on held-out sources; None where nothing could be held out.
        unusable: what gave not a single window, being too short.
    """

    head: Head
    units: tuple[Unit, ...]
    rows: Rows
    learned: dict[str, Learned]
    figures: dict[str, Figures | None]
    unusable: tuple[Unit, ...]


def teach(
    name: str,
    examples: Sequence[Example],
    model: Model,
    *,
    signals: Signals | None = None,
    mirror: bool = True,
    seed: int = 0,
    folds: int = FOLDS,
    on_seen: SeenSoFar | None = None,
) -> Lesson:
    """Teach a head the actions that the examples are labelled with.

    Args:
        name: of the head.
        examples: recordings of the actions and of background.
        model: the trunk; its file is what the head will belong to.
        signals: what the head looks at.
        mirror: whether a mirrored recording shows the same action.
        seed: for the division into folds, the only thing that chance decides.
        folds: into how many parts the sources are divided to try the head out.
        on_seen: told of the progress.

    Raises:
        ConfigurationError: the examples cannot teach anything; the text says what is missing.
        SourceError: an example cannot be read.
    """
    signals = signals or Signals()
    actions = actions_of(examples)
    for action in actions:
        if action.casefold() in (label.casefold() for label in model.labels):
            raise ConfigurationError(f"{action!r} is a label of the model already; teach it as 'my {action}', say")
    rows, units, unusable = observe(examples, model, signals, mirror=mirror, on_seen=on_seen)
    for action in (*actions, BACKGROUND):
        if action not in rows.labels and not (action == BACKGROUND and len(actions) > 1):
            raise ConfigurationError(f"no example of {action!r} is long enough to learn from; a second or two are")
    learned = {action: learn(rows, action, seed=seed, folds=folds) for action in actions}
    figures = {
        action: figures_of(what.held_out, np.array([label == action for label in rows.labels]))
        for action, what in learned.items()
    }
    record = Record(
        examples=tuple(RecordedExample.of(example) for example in examples),
        windows=signals.windows,
        fps=signals.fps,
        memory_window=signals.memory_window,
        mirror=mirror,
        seed=seed,
        folds=folds,
        penalties={action: what.penalty for action, what in learned.items()},
    )
    card = HeadCard(
        name=name,
        classes=actions,
        trunk=trunk_of(model),
        windows=signals.windows,
        fps=signals.fps,
        memory_window=signals.memory_window,
        created=datetime.now(UTC).date().isoformat(),
        data=_data(units, rows),
        figures={action: found.as_numbers() for action, found in figures.items() if found is not None},
        record=record.model_dump(mode="json"),
    )
    return Lesson(_head(card, [learned[action] for action in actions]), units, rows, learned, figures, unusable)


def actions_of(examples: Iterable[Example]) -> tuple[str, ...]:
    """The labels that are not background, in alphabetical order.

    Raises:
        ConfigurationError: there are none, one has an impossible name, or there is nothing to tell them from.
    """
    labels = {span.label for example in examples for span in example.spans}
    actions = tuple(sorted(labels - {BACKGROUND}))
    if not actions:
        raise ConfigurationError("nothing to teach: no example has another label than background")
    if len(actions) > MOST_CLASSES:
        raise ConfigurationError(
            f"{len(actions)} actions are too many for one head, which tells {MOST_CLASSES} at most"
        )
    for action in actions:
        try:
            TypeAdapter(ClassName).validate_python(action)
        except ValidationError as error:
            reason = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise ConfigurationError(f"the action {action[:99]!r} cannot be called so: {reason}") from error
    if len(labels) < 2:
        raise ConfigurationError(
            f"only examples of {actions[0]!r} are given; a head learns what something is by what it is not, so add "
            "--background with a folder of ordinary scenes, best from the same camera"
        )
    return actions


def observe(
    examples: Sequence[Example],
    model: Model,
    signals: Signals,
    *,
    mirror: bool = True,
    on_seen: SeenSoFar | None = None,
) -> tuple[Rows, tuple[Unit, ...], tuple[Unit, ...]]:
    """What the trunk makes of the examples, the units it was made of, and those that gave nothing."""
    parts: list[tuple[int, bool, NDArray[np.float32]]] = []
    units: list[Unit] = []
    unusable: list[Unit] = []
    for index, example in enumerate(examples):

        def progress(seconds: float, index: int = index) -> None:
            if on_seen is not None:
                on_seen(index, seconds)

        seen = see(example, model, signals, looks(mirror=mirror), progress=progress)
        for place, span in enumerate(example.spans):
            own = [one for one in seen if one.span == place]
            if not any(one.look == AS_IT_IS for one in own):
                unusable.append(Unit(example, span))
                continue
            parts += [(len(units), one.look == AS_IT_IS, one.rows) for one in own]
            units.append(Unit(example, span))
    if not parts:
        raise ConfigurationError("all examples are too short to learn from; a second or two are enough")
    features, unit, plain = collect(parts)
    channels, labels = model.new_state().contribution.size, model.interface.classes
    ends = np.cumsum([0, *(channels for _ in signals.windows), labels])
    blocks = tuple(slice(int(start), int(end)) for start, end in pairwise(ends))
    rows = Rows(
        features,
        unit,
        plain.astype(bool),
        tuple(unit.span.label for unit in units),
        tuple(unit.example.source for unit in units),
        blocks,
    )
    return rows, tuple(units), tuple(unusable)


def trunk_of(model: Model) -> Trunk:
    """What a head is tied to."""
    return Trunk(
        name=model.name,
        sha256=fingerprint(model.path).sha256,
        classes=model.interface.classes,
        channels=model.new_state().contribution.size,
    )


def _head(card: HeadCard, learned: Sequence[Learned]) -> Head:
    weights = np.array([one.classifier.weights for one in learned], np.float32)
    pooled = len(card.windows) * card.trunk.channels
    shape = (len(card.classes), len(card.windows), card.trunk.channels)
    bias = np.array([one.classifier.bias for one in learned], np.float32)
    return Head(card, weights[:, :pooled].reshape(shape), np.ascontiguousarray(weights[:, pooled:]), bias)


def _data(units: Sequence[Unit], rows: Rows) -> dict[str, int | float | str]:
    counts = Counter(unit.span.label for unit in units)
    return {
        **{f"examples of {label}": count for label, count in sorted(counts.items())},
        "sources": len(set(rows.sources)),
        "windows": int(rows.plain.sum()),
    }
