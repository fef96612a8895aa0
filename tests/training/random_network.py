"""A network of chance weights in the arrays of a training run, and what its float file says on the way."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from movinet_edge.engine.rewrite.graph import IMAGE, Graph
from movinet_edge.training.architecture import HEAD_WIDTH, HIDDEN_WIDTH, LAYERS, STEM_WIDTH
from movinet_edge.training.export import write_model
from movinet_edge.training.labels import LABELS


def random_arrays(seed: int = 0, classes: int = len(LABELS)) -> dict[str, NDArray[np.float32]]:
    """As `weights.npz` has them; scaled so that values neither die out nor saturate on the way."""
    rng = np.random.default_rng(seed)
    arrays: dict[str, NDArray[np.float32]] = {}

    def convolution(name: str, *shape: int) -> None:
        inputs = int(np.prod(shape[1:]))
        values = {
            "convolution.weight": rng.normal(0, (2 / inputs) ** 0.5, shape),
            "norm.weight": rng.uniform(0.7, 1.3, shape[0]),
            "norm.bias": rng.normal(0.1, 0.3, shape[0]),
            "norm.running_mean": rng.normal(0, 0.2, shape[0]),
            "norm.running_var": rng.uniform(0.5, 1.5, shape[0]),
        }
        arrays.update({f"{name}.{part}": value.astype(np.float32) for part, value in values.items()})

    convolution("stem", STEM_WIDTH, 3, 3, 3)
    for layer in LAYERS:
        place = f"layers.{layer.name}"
        convolution(f"{place}.expand", layer.expanded, layer.width_in, 1, 1)
        convolution(f"{place}.space", layer.expanded, 1, layer.kernel_px, layer.kernel_px)
        if layer.past_frames:
            convolution(f"{place}.time", layer.expanded, 1, layer.frames, 1)
        convolution(f"{place}.project", layer.width_out, layer.expanded, 1, 1)
        if not layer.keeps_shape:
            convolution(f"{place}.shortcut", layer.width_out, layer.width_in, 1, 1)
    convolution("head", HEAD_WIDTH, LAYERS[-1].width_out, 1, 1)
    for name, outputs, inputs in (("hidden", HIDDEN_WIDTH, HEAD_WIDTH), ("classes", classes, HIDDEN_WIDTH)):
        arrays[f"{name}.weight"] = rng.normal(0, inputs**-0.5, (outputs, inputs)).astype(np.float32)
        arrays[f"{name}.bias"] = rng.normal(0, 0.1, outputs).astype(np.float32)
    return arrays


def random_frames(count: int, side_px: int, seed: int = 1) -> NDArray[np.float32]:
    """A clip of a few moving stripes: float32 `[frames, side, side, 3]` in [0, 1]."""
    rng = np.random.default_rng(seed)
    across = np.arange(side_px)[None, :, None] * rng.uniform(0.02, 0.1, 3)
    down = np.arange(side_px)[:, None, None] * rng.uniform(0.02, 0.1, 3)
    speed = rng.uniform(0.2, 1.0, 3)
    frames = [0.5 + 0.5 * np.sin(across + down + speed * number) for number in range(count)]
    return np.stack(frames).astype(np.float32)


def observed_ranges(graph: Graph, frames: NDArray[np.float32]) -> dict[str, tuple[float, float]]:
    """Lowest and highest value of each activation of a float graph while it sees the frames."""
    named = {t.name: t for operator in graph.operators for t in operator.outputs}
    spied = Graph(graph.inputs, graph.outputs | {f"seen {name}": t for name, t in named.items()}, graph.operators)
    runner = Interpreter(model_content=write_model(spied), num_threads=1).get_signature_runner()
    states = {name: np.zeros(t.shape, t.dtype) for name, t in graph.inputs.items() if name != IMAGE}
    ranges: dict[str, tuple[float, float]] = {}
    for frame in frames:
        seen: Mapping[str, Any] = runner(**states, **{IMAGE: frame[None, None]})
        states = {name: seen[name] for name in states}
        for name in named:
            values = seen[f"seen {name}"]
            lowest, highest = ranges.get(name, (0.0, 0.0))
            ranges[name] = min(lowest, float(values.min())), max(highest, float(values.max()))
    return {name: span for name, span in ranges.items() if not name.startswith("head.")}
