"""Heads: small classifiers, taught by the user, on what the model's trunk knows of a stream. Imports api alone."""

from movinet_edge.heads.bank import HeadBank, HeadRun
from movinet_edge.heads.card import BACKGROUND, LONGEST_NAME, MOST_CLASSES, ClassName, HeadCard, Trunk
from movinet_edge.heads.file import load_head, read_head, shipped_heads, write_head
from movinet_edge.heads.head import Head
from movinet_edge.heads.signals import centred_logits

__all__ = [
    "BACKGROUND",
    "LONGEST_NAME",
    "MOST_CLASSES",
    "ClassName",
    "Head",
    "HeadBank",
    "HeadCard",
    "HeadRun",
    "Trunk",
    "centred_logits",
    "load_head",
    "read_head",
    "shipped_heads",
    "write_head",
]
