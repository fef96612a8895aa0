"""Chooses what runs a rewritten file."""

from movinet_edge.engine.gpu_library import why_not_compiled_model
from movinet_edge.engine.interface import ModelInterface
from movinet_edge.engine.rewrite.host import check_pools
from movinet_edge.engine.rewrite.hosted import HostedSession
from movinet_edge.engine.rewrite.hosted_interpreter import HostedInterpreterSession
from movinet_edge.engine.rewrite.rewriting import Rewritten


def hosted_session(
    rewritten: Rewritten, interface: ModelInterface, threads: int = 1
) -> HostedSession | HostedInterpreterSession:
    """A session for the file: LiteRT's CompiledModel, or its interpreter where that must not be started.

    Raises:
        RewriteRefused: the runtime does not take the file, or a pool was left to the graph.
    """
    check_pools(rewritten.plan, interface)
    kind = HostedSession if why_not_compiled_model() is None else HostedInterpreterSession
    return kind(rewritten, interface, threads)
