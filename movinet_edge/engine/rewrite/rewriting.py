"""A file in, an equivalent faster file out, with a report of every pass and what the host must do from now on."""

import platform
from dataclasses import dataclass

from movinet_edge.engine.native_log import captured_native_log
from movinet_edge.engine.rewrite.graph import Graph
from movinet_edge.engine.rewrite.host import HostPlan, host_plan
from movinet_edge.engine.rewrite.passes import Effect, Pass
from movinet_edge.engine.rewrite.reading import read_graph
from movinet_edge.engine.rewrite.recipes import Family, family_of, recipe_for
from movinet_edge.engine.rewrite.refused import RewriteRefused
from movinet_edge.engine.rewrite.schema import IDENTIFIER
from movinet_edge.engine.rewrite.shapes import check_graph
from movinet_edge.engine.rewrite.writing import write_graph

VERSION = 1
"""Of the passes. Raise it with every change that makes another file, so that no cache gives out the old one."""

SIGNATURE = "frame"
"""Key of the only signature of a rewritten file."""


@dataclass(frozen=True, slots=True)
class PassReport:
    """What one pass did: how many places it changed, and why it left others that looked alike."""

    name: str
    does: str
    effect: Effect
    changed: int
    left: tuple[str, ...]
    operators: int
    """Operators of the graph after it."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A rewritten file.

    Attributes:
        content: the `.tflite` file, signature `SIGNATURE`.
        plan: its inputs and outputs, and what the host does with them.
        family: what the untouched file was.
        reference: the same without the passes that change where values lie: it has the untouched file's states, and
            its logits are the ones to expect. None where no pass changed the arithmetic: the untouched file is it.
        operators_before: operators of the untouched graph.
        reports: one per pass, in order.
    """

    content: bytes
    plan: HostPlan
    family: Family
    reference: bytes | None
    operators_before: int
    reports: tuple[PassReport, ...]


def rewrite(content: bytes, *, quantise_float16: bool = True, machine: str | None = None) -> Rewritten:
    """Rewrite a streaming MoViNet's TFLite file; takes well under a second on a PC.

    Args:
        content: the file; not changed.
        quantise_float16: give float16 files int8 weights, which is twice as fast on processors with dot products.
        machine: what it will run on, as `platform.machine()` names it; None is this one.

    Raises:
        RewriteRefused: it cannot be done, or nothing would come of it; the text says why. No other error leaves here.
    """
    try:
        return _rewrite(content, quantise_float16, machine or platform.machine())
    except RewriteRefused:
        raise
    # A file that no pass was written for must not stop a daemon that runs well without any of this.
    except Exception as error:
        raise RewriteRefused(f"{type(error).__name__}: {error}") from error


def _rewrite(content: bytes, quantise_float16: bool, machine: str) -> Rewritten:
    _verify(content)
    graph, interface = read_graph(content)
    recipe = recipe_for(family_of(graph), quantise_float16=quantise_float16, machine=machine)
    before = len(graph.operators)
    reports = [run(step, graph) for step in recipe.values]
    reference = None
    if any(report.effect != "none" and report.changed for report in reports):
        check_graph(graph)
        reference = write_graph(graph, interface.signature)
    reports += [run(step, graph) for step in recipe.structure]
    if not any(report.changed for report in reports):
        raise RewriteRefused("no pass found its pattern in this file")
    graph.remove_unused()
    check_graph(graph)
    plan = host_plan(graph, tuple(state.name for state in interface.states))
    return Rewritten(write_graph(graph, SIGNATURE), plan, recipe.family, reference, before, tuple(reports))


def _verify(content: bytes) -> None:
    """The schema's classes believe every length in a file; a wrong one could keep them busy for ever."""
    if content[4:8] != IDENTIFIER:
        raise RewriteRefused("this is not a TFLite file")
    from ai_edge_litert.interpreter import Interpreter

    with captured_native_log():
        try:
            Interpreter(model_content=content, num_threads=1)
        except (RuntimeError, ValueError) as error:
            raise RewriteRefused(f"the runtime does not take the file: {str(error).strip()}") from error


def run(step: Pass, graph: Graph) -> PassReport:
    """Apply one pass to the graph."""
    tally = step.apply(graph)
    left = tuple(f"{count} × {reason}" for reason, count in tally.left.items())
    return PassReport(step.name, step.does, step.effect, tally.changed, left, len(graph.operators))
