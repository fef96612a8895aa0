"""What a model knows, for verbs that tell it or check against it without running it."""

from movinet_edge.models import FoundModel, ModelCard, bundled_labels

SHORT_LIST = 40
"""Labels that a person looks through at a glance; of a longer list it is told where it is."""


def labels_of(card: ModelCard | None, found: FoundModel | None) -> tuple[str, ...]:
    """The labels that belong to a model of the catalogue, or to a file of one's own.

    Raises:
        ModelError: no labels come with the file, or it is no model.
    """
    if card is not None:
        return bundled_labels(card.labels)
    if found is None:
        return ()
    # Brings the runtime, which cards do without.
    from movinet_edge.engine import find_labels
    from movinet_edge.engine.runtime import open_session

    return find_labels(found.path, open_session(found.path).interface.classes)
