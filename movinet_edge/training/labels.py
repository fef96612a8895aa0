"""The classes of the model that comes with the package, in the order of its logits."""

LABELS: tuple[str, ...] = (
    "fall",
    "lie",
    "walk",
    "run",
    "jump",
    "jumping jacks",
    "sit down",
    "stand up",
    "wave",
    "punch",
    "kick",
    "push up",
    "crawl",
    "throw",
    "pick up",
    "dance",
    "idle",
    "nobody",
)

UNLABELLED = -1
"""A frame of which nobody knows what it shows, such as those between two labelled spans; no loss comes from it."""
