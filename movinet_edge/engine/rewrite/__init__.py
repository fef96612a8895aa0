"""Rewrites official model files: TFLite in, an equivalent and faster TFLite file out, without TensorFlow.

`rewrite` reads the file into a `Graph`, applies the passes of its family's recipe and writes it back, with a `HostPlan`
of what the graph leaves to its caller; `HostedSession` follows that plan. `self_test` compares the outcome with the
untouched file, `RewriteCache` keeps it. Whatever does not fit ends in one `RewriteRefused`.
"""

from movinet_edge.engine.gpu_library import why_not_compiled_model
from movinet_edge.engine.rewrite.cache import RewriteCache
from movinet_edge.engine.rewrite.host import FrameRing, HostPlan, HostPool, WholeState
from movinet_edge.engine.rewrite.hosted import HostedSession, HostedTensors
from movinet_edge.engine.rewrite.reading import read_signature
from movinet_edge.engine.rewrite.recipes import Family
from movinet_edge.engine.rewrite.refused import RewriteRefused
from movinet_edge.engine.rewrite.rewriting import PassReport, Rewritten, rewrite
from movinet_edge.engine.rewrite.self_test import Difference, Proof, Stream, self_test

__all__ = [
    "Difference",
    "Family",
    "FrameRing",
    "HostPlan",
    "HostPool",
    "HostedSession",
    "HostedTensors",
    "PassReport",
    "Proof",
    "RewriteCache",
    "RewriteRefused",
    "Rewritten",
    "Stream",
    "WholeState",
    "read_signature",
    "rewrite",
    "self_test",
    "why_not_compiled_model",
]
