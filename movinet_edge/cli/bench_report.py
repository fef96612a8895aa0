"""All that `bench` has measured, as tables for people and as a plain object for programs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from movinet_edge.cli.bench_energy import Energy
from movinet_edge.cli.bench_stages import Stages
from movinet_edge.daemon.diagnosis import Finding
from movinet_edge.engine.measure import Measurement, StreamsCost
from movinet_edge.engine.measure_rows import Timing


@dataclass(frozen=True, slots=True)
class Published:
    """Milliseconds per frame that Google gives for an official file on one core of a Pixel 4, and its accuracy.

    Source: the models' cards on TensorFlow Hub and the table of quantised models in the README of
    official/projects/movinet, github.com/tensorflow/models, as of March 2022.
    """

    model: str
    int8_ms: float
    int8_top1_percent: float
    float16_ms: float
    float16_top1_percent: float


PUBLISHED = (
    Published("A0-Stream", 4.80, 65.0, 17.47, 71.5),
    Published("A1-Stream", 8.35, 70.1, 34.82, 76.0),
    Published("A2-Stream", 15.76, 72.2, 76.31, 77.5),
)


@dataclass(frozen=True, slots=True)
class Bench:
    """One run of `bench`.

    Attributes:
        model, runtime: what ran.
        machine: what it ran on, and its heat and power supply after the run.
        first_ms: the very first frame.
        measurement: one stream, a picture that stays the same.
        threads: the same step with several numbers of threads.
        streams: what further streams of the same model cost.
        stages: a clip.
        energy: what a frame takes, or why that cannot be told.
    """

    model: str
    runtime: str
    machine: tuple[Finding, ...]
    first_ms: float
    measurement: Measurement
    threads: tuple[Timing, ...]
    streams: StreamsCost
    stages: Stages
    energy: Energy | str

    def as_dict(self) -> dict[str, Any]:
        """For JSON; the measurement's own fields lie on top."""
        energy = {"unknown": self.energy} if isinstance(self.energy, str) else asdict(self.energy)
        return {
            "model": self.model,
            "runtime": self.runtime,
            "machine": [{"what": finding.what, "found": finding.found} for finding in self.machine],
            "first_ms": self.first_ms,
            **self.measurement.as_dict(),
            "threads": [asdict(timing) for timing in self.threads],
            "streams": asdict(self.streams),
            "stages": {
                **asdict(self.stages),
                "total_ms": self.stages.total_ms,
                "streams_per_core": self.stages.streams_per_core,
            },
            "energy": energy,
            "published_pixel_4": [asdict(row) for row in PUBLISHED],
        }


def print_bench(console: Console, bench: Bench) -> None:
    """Everything, for people."""
    say = partial(console.print, markup=False, soft_wrap=True)
    say(f"{bench.model} on {bench.runtime}")
    for finding in bench.machine:
        say(f"{finding.what}: {finding.found}{f'; {finding.remedy}' if finding.remedy else ''}")
    measured, stages, streams = bench.measurement, bench.stages, bench.streams
    console.print(_timings(f"one stream, {measured.frames} frames of each kind, in turn", measured.timings))
    say(f"first frame {bench.first_ms:.1f} ms; example's loop ÷ step: {measured.speedup:.2f}")
    say(f"above the bare run: step {measured.overhead_ms:+.3f} ms, step_tensor {measured.prepared_overhead_ms:+.3f} ms")
    if len(bench.threads) > 1:
        console.print(_timings("step, by threads for one inference", bench.threads))
    console.print(_stages(stages))
    say(
        f"one core keeps up with {measured.streams_per_core:.0f} streams at 5 fps, "
        f"or {stages.streams_per_core:.0f} with a clip like this one to decode"
    )
    if streams.streams > 1:
        size = "" if streams.megabytes is None else f", {streams.megabytes:.1f} MB each further stream"
        say(f"{streams.streams} streams in turn: {streams.ratio:.2f} times the time per frame{size}")
    if isinstance(bench.energy, str):
        say(f"energy: not known ({bench.energy})")
    else:
        say(
            f"energy: {bench.energy.millijoules_per_frame:.1f} mJ per frame above idling "
            f"({bench.energy.idle_w:.1f} W idle, {bench.energy.busy_w:.1f} W busy; all of the processor)"
        )
    console.print(_published())


def _timings(title: str, timings: Sequence[Timing]) -> Table:
    table = _table(title, "ms per frame", "p50", "p95", "p99")
    for timing in timings:
        table.add_row(timing.name, *(f"{ms:.2f}" for ms in (timing.p50_ms, timing.p95_ms, timing.p99_ms)))
    return table


def _stages(stages: Stages) -> Table:
    title = f"{stages.clip}, {stages.frames_scored} frames scored of {stages.frames_read}"
    table = _table(title, "ms per scored frame", "mean")
    for name, ms in (
        ("decode and scale", stages.decode_ms),
        ("convert", stages.convert_ms),
        ("infer", stages.infer_ms),
        ("actions, every label watched", stages.actions_ms),
        ("all", stages.total_ms),
    ):
        table.add_row(name, f"{ms:.2f}")
    return table


def _published() -> Table:
    title = "for comparison, Google's figures for one core of a Pixel 4"
    table = _table(title, "official file", "int8 ms", "top-1 %", "float16 ms", "top-1 %")
    for row in PUBLISHED:
        figures = (row.int8_ms, row.int8_top1_percent, row.float16_ms, row.float16_top1_percent)
        table.add_row(row.model, *(f"{figure:g}" for figure in figures))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=Text(title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    return table
