"""What rewriting a model file gains: ms per frame of the runtime's own loop on the untouched file, and of ours.

    python tests/benchmarks/rewrite.py MODEL.tflite … [--json]

One process for each file, one thread; rows of frames of each way in turn, medians. `ours` is everything from the
picture in place to the logits; `bare` is the runtime's call alone, always on the same buffers. `sgemm` is what NumPy
needs for as many products as the graph has, in matrices of 512 × 512: a processor's speed in arithmetic that is tuned.
"""

import os

os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import argparse
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from movinet_edge.engine.fast import give_memory_back
from movinet_edge.engine.native_log import captured_native_log
from movinet_edge.engine.rewrite import HostedSession, Rewritten, read_signature, rewrite, self_test
from movinet_edge.engine.rewrite.graph import CONVOLUTIONS, Graph, Kind
from movinet_edge.engine.rewrite.reading import read_graph
from movinet_edge.engine.tflite import partitions

ROW, SETTLING, STREAMS = 10, 3, 8
MATRIX = 512


@dataclass(frozen=True, slots=True)
class Times:
    """Medians of rows, and of what rows that ran side by side say of each other."""

    runner_ms: float
    ours_ms: float
    bare_ms: float
    sgemm_ms: float
    speedup: float
    per_sgemm: float
    overhead_ms: float


@dataclass(frozen=True, slots=True)
class Figures:
    """All of one file.

    Attributes:
        products: multiplications of its convolutions for a frame.
        logits_by_arithmetic, logits_by_structure: largest differences of a logit.
        partitions: into how many pieces XNNPACK cuts the file, before and after.
        streams_ratio, stream_mb: of eight streams in turn, the time per frame ÷ that of one; memory of a further one.
    """

    model: str
    family: str
    rewriting_s: float
    products: int
    logits_by_arithmetic: float
    logits_by_structure: float
    operators: tuple[int, int]
    partitions: tuple[int, int]
    times: Times
    streams_ratio: float
    stream_mb: float


class Runner:
    """The signature runner with its states fed back, as the official example does it."""

    def __init__(self, content: bytes) -> None:
        self.interpreter = Interpreter(model_content=content, num_threads=1)
        self._runner = self.interpreter.get_signature_runner(next(iter(self.interpreter.get_signature_list())))
        self._details = self._runner.get_input_details()
        self.shape = self._details["image"]["shape"]
        self.size_px = int(self.shape[-2]), int(self.shape[-3])
        self.reset()

    def reset(self) -> None:
        """Forget all frames."""
        self._states = {k: np.zeros(d["shape"], d["dtype"]) for k, d in self._details.items() if k != "image"}

    def logits(self, image: Any) -> Any:
        """One frame."""
        self._states = self._runner(image=image.reshape(self.shape), **self._states)
        return self._states.pop("logits")[0]


class Ours:
    """A stream of a rewritten file."""

    def __init__(self, session: HostedSession) -> None:
        self.session, self.tensors = session, session.new_tensors()
        self.size_px = session.interface.size_px

    def reset(self) -> None:
        """Forget all frames."""
        self.tensors.clear()

    def logits(self, image: Any) -> Any:
        """One frame."""
        np.copyto(self.session.image[0, 0], image)
        return self.session.run(self.tensors)


def main() -> None:
    """Print a table for each file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--rows", type=int, default=30)
    parser.add_argument("--float", action="store_true", help="leave the weights of float16 files floats")
    parser.add_argument("--json", action="store_true", help="one line for each file")
    args = parser.parse_args()
    if len(args.models) > 1:  # each in a process of its own: memory that one gave back would hide what the next needs
        flags = [f"--{name}" for name in ("float", "json") if getattr(args, name)]
        for path in args.models:
            subprocess.run([sys.executable, __file__, "--rows", str(args.rows), *flags, str(path)], check=True)
        return
    path = args.models[0]
    began = time.perf_counter()
    rewritten = rewrite(path.read_bytes(), quantise_float16=not args.float)
    rewriting_s = time.perf_counter() - began
    with captured_native_log():
        figures = figures_of(path, rewritten, rewriting_s, args.rows)
    if args.json:
        print(json.dumps(asdict(figures)), flush=True)
    else:
        print_figures(figures, rewritten)


def figures_of(path: Path, rewritten: Rewritten, rewriting_s: float, rows: int) -> Figures:
    """Everything about one file."""
    content = path.read_bytes()
    session = HostedSession(rewritten, read_signature(content))
    # First: memory that others gave back would hide what a stream needs.
    streams_ratio, stream_mb = many_streams(session, rows)
    runner, ours = Runner(content), Ours(session)
    reference = Runner(rewritten.reference) if rewritten.reference else None
    proof = self_test(runner, reference, ours, rewritten.family)
    macs = products(content)
    return Figures(
        model=path.name,
        family=rewritten.family,
        rewriting_s=rewriting_s,
        products=macs,
        logits_by_arithmetic=proof.arithmetic.largest_logit,
        logits_by_structure=proof.structure.largest_logit,
        operators=(rewritten.operators_before, rewritten.reports[-1].operators),
        partitions=(partitions(content), partitions(rewritten.content)),
        times=measure(runner, ours, macs, rows),
        streams_ratio=streams_ratio,
        stream_mb=stream_mb,
    )


def print_figures(figures: Figures, rewritten: Rewritten) -> None:
    """For people, with what each pass did."""
    print(f"\n{figures.model}: {figures.family}, rewritten in {figures.rewriting_s:.2f} s")
    for report in rewritten.reports:
        if report.changed or report.left:
            print(f"  {report.name:<24} {report.changed:>4} changed, {report.operators:>4} operators  {report.effect}")
    print(
        f"  operators {figures.operators[0]} -> {figures.operators[1]}, XNNPACK partitions {figures.partitions[0]} -> "
        f"{figures.partitions[1]}; largest logit difference by other arithmetic {figures.logits_by_arithmetic:.2g}, "
        f"by structure {figures.logits_by_structure:.2g}"
    )
    times = figures.times
    print(
        f"  {figures.products / 1e6:.1f} M products; runner {times.runner_ms:.3f} ms, ours {times.ours_ms:.3f} ms, "
        f"bare {times.bare_ms:.3f} ms, sgemm {times.sgemm_ms:.3f} ms"
    )
    print(
        f"  runner / ours {times.speedup:.2f}; ours / sgemm {times.per_sgemm:.2f}; overhead {times.overhead_ms:.3f} ms"
    )
    print(
        f"  {STREAMS} streams: ms per frame x {figures.streams_ratio:.2f}, {figures.stream_mb:.1f} MB per extra stream",
        flush=True,
    )


def measure(runner: Runner, ours: Ours, macs: int, rows: int) -> Times:
    """Rows stand beside each other in time, so ratios between them are not those of a machine that drifts."""
    image = np.random.default_rng(0).random(ours.session.image.shape[2:], np.float32)
    left, right = np.random.default_rng(1).random((2, MATRIX, MATRIX), np.float32)
    product = np.empty_like(left)
    call = ours.tensors.next_call()
    ways: list[Callable[[], object]] = [
        lambda: runner.logits(image),
        lambda: ours.session.run(ours.tensors),
        lambda: ours.session.invoke(ours.session.index, *call),
        lambda: np.matmul(left, right, out=product),
    ]
    medians = np.array([[row_ms(way) for way in ways] for _ in range(rows)])
    medians[:, 3] *= macs / MATRIX**3
    runner_ms, ours_ms, bare_ms, sgemm_ms = medians.T
    return Times(
        *(float(np.median(column)) for column in medians.T),
        speedup=float(np.median(runner_ms / ours_ms)),
        per_sgemm=float(np.median(ours_ms / sgemm_ms)),
        overhead_ms=float(np.median(ours_ms - bare_ms)),
    )


def row_ms(way: Callable[[], object]) -> float:
    """Median of a row of frames; the first ones find the caches of the way before and are not counted."""
    times = []
    for _ in range(SETTLING + ROW):
        began = time.perf_counter()
        way()
        times.append(time.perf_counter() - began)
    return float(np.median(times[SETTLING:])) * 1e3


def many_streams(session: HostedSession, rows: int) -> tuple[float, float]:
    """ms per frame of eight streams in turn ÷ of one, and megabytes of memory per further stream."""
    import psutil  # not at the top: `instructions.py` takes the runner from here to where psutil is missing

    alone = Ours(session)
    image = np.random.default_rng(0).random(session.image.shape[2:], np.float32)
    alone.logits(image)
    give_memory_back()
    before = psutil.Process().memory_info().rss
    others = [Ours(session) for _ in range(STREAMS - 1)]
    every = [alone, *others]
    for stream in every:
        stream.logits(image)
    megabytes = (psutil.Process().memory_info().rss - before) / len(others) / 1e6

    # Frame by frame: on a busy machine a round of eight is interrupted more often than a frame, whatever it costs.
    turns = itertools.cycle(every)
    ratios = [row_ms(lambda: next(turns).logits(image)) / row_ms(lambda: alone.logits(image)) for _ in range(rows)]
    return float(np.median(ratios)), megabytes


def products(content: bytes) -> int:
    """Multiplications of the convolutions of a file for one frame."""
    return products_of(read_graph(content)[0])


def products_of(graph: Graph) -> int:
    """The same of a graph."""
    return sum(_products(operator) for operator in graph.of_kind(*sorted(CONVOLUTIONS)))


def _products(operator: Any) -> int:
    weights, output = operator.input(1), operator.output
    if operator.kind == Kind.DEPTHWISE_CONV_2D:
        return int(output.size * weights.size // weights.shape[-1])
    return int(output.size * weights.size // weights.shape[0])


if __name__ == "__main__":
    main()
