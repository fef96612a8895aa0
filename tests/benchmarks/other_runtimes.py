"""ONNX Runtime, OpenVINO and ncnn on the same weights as ours: ms per frame, one thread, in turn, medians.

    pip install onnx onnxruntime openvino ncnn        (into an environment of its own that has movinet-edge)
    python tests/benchmarks/other_runtimes.py MODEL.tflite [--onnx CONVERTED.onnx]

Nothing is installed by this. MODEL is a float16, float32 or dynamic-range file whose weights all get as float32. Each
runtime is given the graph as our rewriting leaves it (no rank 5, no broadcasts, single past frames), in its own layout,
with states that are handed on without a copy: more than their converters do for them, and as fast as we could make
them. First all that compute in float32 must agree with TFLite's interpreter within 1e-3, over 20 frames.
`ours, float32` runs the same with these weights; `ours` is what the engine makes of the file: of float16, int8 weights.

With `--onnx`, a file that tf2onnx made of the same MODEL (`python -m tf2onnx.convert --tflite MODEL --output …
--opset 17`) runs in ONNX Runtime and OpenVINO too: what somebody gets who converts the export as it is.
"""

import os

os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import argparse
import importlib.metadata
import json
import math
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from foreign_graphs import NcnnGraph, OnnxGraph, shape_of
from rewrite import Ours, Runner, products_of, row_ms

from movinet_edge.engine.native_log import captured_native_log
from movinet_edge.engine.rewrite import HostedSession, HostPlan, read_signature, rewrite
from movinet_edge.engine.rewrite.constants import real_values
from movinet_edge.engine.rewrite.graph import CONVOLUTIONS, IMAGE, LOGITS, WEIGHTS, Graph, Tensor
from movinet_edge.engine.rewrite.half_weights import PASS as FLOAT16_TO_FLOAT32
from movinet_edge.engine.rewrite.host import host_plan
from movinet_edge.engine.rewrite.host_pools import PASS as HOST_POOLS
from movinet_edge.engine.rewrite.reading import read_graph
from movinet_edge.engine.rewrite.recipes import recipe_for
from movinet_edge.engine.rewrite.writing import write_graph

NEEDED = ("onnx", "onnxruntime", "openvino", "ncnn")
FRAMES, LIMIT = 20, 1e-3
OURS, OURS_FLOAT, REFERENCE = "ours", "ours, float32", "TFLite's signature runner, float32"


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds per frame of one runtime, and how many times as long as ours."""

    name: str
    ms: float
    per_ours: float
    per_ours_float32: float


class Way(Protocol):
    """One runtime with one stream."""

    def logits(self, image: np.ndarray) -> np.ndarray:
        """The next frame: float32 `[height, width, 3]` in [0, 1] → float32 `[classes]`."""
        ...


class Places:
    """Where each state lies at each turn, when nothing is copied: arrays by key of the graph's inputs and outputs."""

    def __init__(self, graph: Graph, plan: HostPlan) -> None:
        shapes = {key: shape_of(tensor) for key, tensor in (graph.inputs | graph.outputs).items()}
        rings = [[np.zeros(shapes[key], np.float32) for key in (*r.inputs, r.newest)] for r in plan.rings]
        pairs = [[np.zeros(shapes[state.state], np.float32) for _ in range(2)] for state in plan.whole]
        self.image = np.zeros(shapes[IMAGE], np.float32)
        self.result = np.zeros(shapes[LOGITS], np.float32)
        self.count = np.zeros(shapes[plan.count or IMAGE], np.float32)
        self.turns: list[tuple[dict[str, np.ndarray], dict[str, np.ndarray]]] = []
        for turn in range(math.lcm(2, *map(len, rings))):
            ins, outs = {IMAGE: self.image}, {LOGITS: self.result}
            if plan.count is not None:
                ins[plan.count] = self.count
            for ring, arrays in zip(plan.rings, rings, strict=True):
                ins |= {key: arrays[(turn + place) % len(arrays)] for place, key in enumerate(ring.inputs)}
                outs[ring.newest] = arrays[(turn - 1) % len(arrays)]
            for state, pair in zip(plan.whole, pairs, strict=True):
                ins[state.state], outs[state.state] = pair if turn % 2 == 0 else pair[::-1]
            self.turns.append((ins, outs))


class InPlaces:
    """A stream over `Places`: `calls` run one turn each."""

    def __init__(self, places: Places, calls: list[Callable[[], object]]) -> None:
        self._places, self._calls, self._frames = places, calls, 0

    def logits(self, image: np.ndarray) -> np.ndarray:
        """One frame."""
        np.copyto(self._places.image[0], image.transpose(2, 0, 1))
        call = self._calls[self._frames % len(self._calls)]
        self._frames += 1
        self._places.count.fill(self._frames)
        call()
        return self._places.result[0].copy()


def onnx_runtime(content: bytes, places: Places) -> InPlaces:
    """One binding of inputs and outputs for each turn, made beforehand."""
    session = onnx_session(content)

    def call_of(turn: int) -> Callable[[], object]:
        binding = session.io_binding()
        ins, outs = places.turns[turn]
        for key, array in ins.items():
            binding.bind_input(key, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        for key, array in outs.items():
            binding.bind_output(f"{key}:out", "cpu", 0, np.float32, array.shape, array.ctypes.data)
        return lambda: session.run_with_iobinding(binding)

    return InPlaces(places, [call_of(turn) for turn in range(len(places.turns))])


def onnx_session(content: bytes) -> Any:
    """One thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def openvino_model(content: bytes) -> Any:
    """One thread, float32 throughout."""
    import openvino

    core = openvino.Core()
    hints = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    return core.compile_model(core.read_model(content), "CPU", {"PERFORMANCE_HINT": "LATENCY", **hints})


def openvino(content: bytes, places: Places) -> InPlaces:
    """One request for each turn, whose tensors are our arrays."""
    from openvino import Tensor as OpenVinoTensor

    model = openvino_model(content)

    def call_of(turn: int) -> Callable[[], object]:
        request = model.create_infer_request()
        ins, outs = places.turns[turn]
        for key, array in ins.items():
            request.set_tensor(key, OpenVinoTensor(array, shared_memory=True))
        for key, array in outs.items():
            request.set_tensor(f"{key}:out", OpenVinoTensor(array, shared_memory=True))

        def call() -> None:
            request.start_async()
            request.wait()

        return call

    return InPlaces(places, [call_of(turn) for turn in range(len(places.turns))])


class Ncnn:
    """Its results are handed to the next frame as they are; it counts references."""

    def __init__(self, graph: Graph, plan: HostPlan, folder: Path, *, half: bool) -> None:
        """`half`: float16 for weights and values between the layers, as it does by default where it can."""
        import ncnn

        self._ncnn, self._plan, self._frames = ncnn, plan, 0
        foreign = NcnnGraph(graph)
        text, weights = foreign.write(folder)
        self._net = ncnn.Net()
        self._net.opt.num_threads = 1
        if not half:
            self._net.opt.use_fp16_packed = self._net.opt.use_fp16_storage = self._net.opt.use_fp16_arithmetic = False
        if self._net.load_param(str(text)) or self._net.load_model(str(weights)):
            raise SystemExit("ncnn does not take the graph")
        self._in, self._out = foreign.inputs, foreign.outputs
        self._states = {
            key: self._mat(np.zeros(shape_of(tensor), np.float32))
            for key, tensor in graph.inputs.items()
            if key not in (IMAGE, plan.count)
        }

    def _mat(self, array: np.ndarray) -> Any:
        array = array[0]
        return self._ncnn.Mat(np.ascontiguousarray(array.ravel() if array[0].size == 1 else array)).clone()

    def logits(self, image: np.ndarray) -> np.ndarray:
        """One frame."""
        self._frames += 1
        extractor = self._net.create_extractor()
        picture = np.ascontiguousarray(image.transpose(2, 0, 1))
        extractor.input(self._in[IMAGE], self._ncnn.Mat(picture))
        if self._plan.count is not None:
            count = np.full(1, self._frames, np.float32)
            extractor.input(self._in[self._plan.count], self._ncnn.Mat(count))
        for key, mat in self._states.items():
            extractor.input(self._in[key], mat)
        _, found = extractor.extract(self._out[LOGITS])
        for ring in self._plan.rings:
            for older, newer in zip(ring.inputs, ring.inputs[1:], strict=False):
                self._states[older] = self._states[newer]
            self._states[ring.inputs[-1]] = extractor.extract(self._out[ring.newest])[1]
        for state in self._plan.whole:
            self._states[state.state] = extractor.extract(self._out[state.state])[1]
        return np.array(found)


class Converted:
    """A file of tf2onnx: states under the names of the TFLite file's tensors, fed back as they come."""

    def __init__(self, original: bytes, run: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_content=original)
        interface = read_signature(original)
        names = {str(d["index"]): d["name"] for d in interpreter.get_tensor_details()}
        self._run = run
        self._image, self._logits = names[interface.image.tensor], names[interface.logits.tensor]
        self._feeds = {names[s.result.tensor]: names[s.source.tensor] for s in interface.states}
        self._states = {names[s.source.tensor]: np.zeros(s.source.shape, s.source.dtype) for s in interface.states}

    def logits(self, image: np.ndarray) -> np.ndarray:
        """One frame."""
        found = self._run({self._image: image[np.newaxis, np.newaxis], **self._states})
        self._states = {self._feeds[name]: found[name] for name in self._feeds}
        return found[self._logits][0]


def converted_onnx_runtime(content: bytes, original: bytes) -> Converted:
    """Plain `run`."""
    session = onnx_session(content)
    names = [output.name for output in session.get_outputs()]
    return Converted(original, lambda feeds: dict(zip(names, session.run(None, feeds), strict=True)))


def converted_openvino(content: bytes, original: bytes) -> Converted:
    """Plain `infer`."""
    model = openvino_model(content)
    request = model.create_infer_request()
    outputs = {output.get_any_name(): output for output in model.outputs}

    def run(feeds: dict[str, Any]) -> dict[str, Any]:
        found = request.infer(feeds, share_inputs=True)
        return {name: np.array(found[output]) for name, output in outputs.items()}

    return Converted(original, run)


def float_graph(content: bytes) -> tuple[Graph, HostPlan, bytes]:
    """The graph with float32 weights, rewritten but for the pools' sums, which stay its states; and a plain file of it.

    The plain file is from before the rewriting, with the states of the untouched one.
    """
    graph, interface = read_graph(content)
    FLOAT16_TO_FLOAT32.apply(graph)
    for operator in graph.of_kind(*sorted(CONVOLUTIONS)):
        weights = operator.input(WEIGHTS)
        if weights.is_int8():
            graph.rewire(operator, WEIGHTS, Tensor.constant(weights.name, real_values(weights)))
    plain = write_graph(graph, interface.signature)
    for step in recipe_for("float32").structure:
        if step is not HOST_POOLS:
            step.apply(graph)
    graph.remove_unused()
    return graph, host_plan(graph, tuple(state.name for state in interface.states)), plain


def main() -> None:
    """Compare logits, then times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--onnx", type=Path, help="what tf2onnx made of the same file")
    parser.add_argument("--rows", type=int, default=30)
    parser.add_argument("--json", action="store_true", help="times and ratios alone")
    args = parser.parse_args()
    check_packages()
    content = args.model.read_bytes()
    with tempfile.TemporaryDirectory() as folder, captured_native_log():
        ways, macs = make_ways(content, args.onnx.read_bytes() if args.onnx else None, Path(folder))
        differences = check_equal(ways)
        found = measure(ways, args.rows)
    if args.json:
        print(json.dumps([asdict(figures) for figures in found]))
        return
    print(f"{args.model.name}: {macs / 1e6:.1f} M products in every graph")
    print(f"{'':<42}{'logits differ by':>18}{'ms per frame':>14}{'÷ ours':>8}{'÷ ours, float32':>17}")
    for difference, row in zip(differences, found, strict=True):
        print(f"{row.name:<42}{difference:18.2g}{row.ms:14.3f}{row.per_ours:8.2f}{row.per_ours_float32:17.2f}")


def check_packages() -> None:
    """Say all that is missing at once."""
    missing = []
    for name in NEEDED:
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        raise SystemExit(f"this needs: pip install {' '.join(missing)}")


def make_ways(content: bytes, converted: bytes | None, folder: Path) -> tuple[dict[str, Way], int]:
    """Everything that is compared, the reference first, and the products of its convolutions."""
    graph, plan, plain = float_graph(content)
    onnx = OnnxGraph(graph).content
    (folder / "half").mkdir()
    version = importlib.metadata.version
    ways: dict[str, Way] = {
        OURS: Ours(HostedSession(rewrite(content), read_signature(content))),
        OURS_FLOAT: Ours(HostedSession(rewrite(plain), read_signature(plain))),
        REFERENCE: Runner(plain),
        f"ONNX Runtime {version('onnxruntime')}": onnx_runtime(onnx, Places(graph, plan)),
        f"OpenVINO {version('openvino')}": openvino(onnx, Places(graph, plan)),
        f"ncnn {version('ncnn')}, float32": Ncnn(graph, plan, folder, half=False),
        f"ncnn {version('ncnn')}, float16 storage": Ncnn(graph, plan, folder / "half", half=True),
    }
    if converted is not None:
        ways["ONNX Runtime, file of tf2onnx"] = converted_onnx_runtime(converted, content)
        ways["OpenVINO, file of tf2onnx"] = converted_openvino(converted, content)
    return ways, products_of(graph)


def check_equal(ways: dict[str, Way]) -> list[float]:
    """Show all of them the same pictures; the largest difference of a logit from the reference, of each.

    One that computes in float32 and is not equal ends the run.
    """
    pictures = np.random.default_rng(0).random((FRAMES, *picture_shape(ways)), np.float32)
    found = {name: np.array([way.logits(picture) for picture in pictures]) for name, way in ways.items()}
    largest = {name: float(np.abs(logits - found[REFERENCE]).max()) for name, logits in found.items()}
    for name, difference in largest.items():
        if difference > LIMIT and name != OURS and "float16" not in name:
            raise SystemExit(f"{name} computes something else: its logits are {difference:.2g} away")
    return list(largest.values())


def picture_shape(ways: dict[str, Way]) -> tuple[int, ...]:
    """Height, width, 3."""
    runner = ways[REFERENCE]
    assert isinstance(runner, Runner)
    return tuple(runner.shape[-3:])


def measure(ways: dict[str, Way], rows: int) -> list[Figures]:
    """Medians of rows that stand beside each other in time."""
    picture = np.random.default_rng(1).random(picture_shape(ways), np.float32)
    times_ms = np.array([[row_ms(lambda way=way: way.logits(picture)) for way in ways.values()] for _ in range(rows)])
    ours, ours_float = (times_ms[:, list(ways).index(name)] for name in (OURS, OURS_FLOAT))
    return [
        Figures(name, *(float(np.median(values)) for values in (column, column / ours, column / ours_float)))
        for name, column in zip(ways, times_ms.T, strict=True)
    ]


if __name__ == "__main__":
    main()
