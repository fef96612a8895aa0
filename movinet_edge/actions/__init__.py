"""Scores to start, update and stop: watch lists, smoothing, hysteresis. Pure: no clock, no files, no settings."""

from movinet_edge.actions.detector import ActionDetector, Transition
from movinet_edge.actions.rule import ActionRule
from movinet_edge.actions.smoothing import Ema, RollingMean, RollingMedian, Smoother
from movinet_edge.actions.watch import UnknownLabel, WatchList

__all__ = [
    "ActionDetector",
    "ActionRule",
    "Ema",
    "RollingMean",
    "RollingMedian",
    "Smoother",
    "Transition",
    "UnknownLabel",
    "WatchList",
]
