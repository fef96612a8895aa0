"""Rewrites official model files: TFLite in, an equivalent and faster TFLite file out, without TensorFlow.

`rewrite` reads the file into a `Graph`, applies the passes of its family's recipe and writes it back, with a `HostPlan`
of what the graph leaves to its caller; `hosted_session` follows that plan. `self_test` compares the outcome with the
untouched file, `RewriteCache` keeps it. Whatever does not fit ends in one `RewriteRefused`.
"""

from movinet_edge.engine.rewrite.cache import RewriteCache
from movinet_edge.engine.rewrite.host import FrameRing, HostPlan, HostPool, WholeState
from movinet_edge.engine.rewrite.hosted import HostedSession, HostedTensors
from movinet_edge.engine.rewrite.hosted_interpreter import HostedInterpreterSession, HostedInterpreterTensors
from movinet_edge.engine.rewrite.hosting import hosted_session
from movinet_edge.engine.rewrite.reading import read_signature
from movinet_edge.engine.rewrite.recipes import Family, explanation
from movinet_edge.engine.rewrite.refused import RewriteRefused
from movinet_edge.engine.rewrite.rewriting import PassReport, Rewritten, rewrite
from movinet_edge.engine.rewrite.self_test import Difference, Proof, Stream, self_test

__all__ = [
    "Difference",
    "Family",
    "FrameRing",
    "HostPlan",
    "HostPool",
    "HostedInterpreterSession",
    "HostedInterpreterTensors",
    "HostedSession",
    "HostedTensors",
    "PassReport",
    "Proof",
    "RewriteCache",
    "RewriteRefused",
    "Rewritten",
    "Stream",
    "WholeState",
    "explanation",
    "hosted_session",
    "read_signature",
    "rewrite",
    "self_test",
]
