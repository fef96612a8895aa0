"""Renders training clips: people made of CC0 bodies and motions, in rooms made of boxes, seen by cheap cameras."""
