"""What the engine's tests share: toy models on disk, pictures, and the runtime's own loop to compare with."""

import functools
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import toy_model
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from toy_model import ToySpec

from movinet_edge.engine import Model, load_model
from movinet_edge.engine.rewrite import HostedInterpreterSession, HostedSession, read_signature, rewrite
from movinet_edge.engine.runtime import open_session
from movinet_edge.engine.session import Session
from movinet_edge.engine.tflite import InterpreterSession

SMALL = ToySpec(size_px=12, classes=7, head=16)


@functools.cache
def toy_bytes(spec: ToySpec) -> bytes:
    """The toy, built once."""
    return toy_model.build(spec)


def toy_file(spec: ToySpec, folder: Path) -> Path:
    """The toy as a file of its own."""
    path = folder / "toy.tflite"
    path.write_bytes(toy_bytes(spec))
    return path


def class_names(count: int) -> tuple[str, ...]:
    """Labels `action 0`, `action 1`, …"""
    return tuple(f"action {index}" for index in range(count))


def litert_session(spec: ToySpec) -> Session:
    """The toy in LiteRT's CompiledModel."""
    with tempfile.TemporaryDirectory() as folder:
        return open_session(toy_file(spec, Path(folder)), "litert")


def interpreter_session(spec: ToySpec) -> InterpreterSession:
    """The toy in the engine's session for interpreters, run by LiteRT's interpreter."""
    interpreter = Interpreter(model_content=toy_bytes(spec), num_threads=1)
    return InterpreterSession(interpreter, name="LiteRT interpreter", version="0", threads=1, file="toy.tflite")


def rewritten_session(spec: ToySpec) -> Session:
    """The toy, rewritten, in LiteRT's CompiledModel."""
    return HostedSession(rewrite(toy_bytes(spec)), read_signature(toy_bytes(spec)))


def rewritten_interpreter_session(spec: ToySpec) -> Session:
    """The toy, rewritten, in the session for processors that a CompiledModel does not run on."""
    return HostedInterpreterSession(rewrite(toy_bytes(spec)), read_signature(toy_bytes(spec)))


SESSIONS = {
    "litert": litert_session,
    "interpreter": interpreter_session,
    "rewritten": rewritten_session,
    "rewritten interpreter": rewritten_interpreter_session,
}
"""Everything that runs a model, by name."""


def toy(spec: ToySpec = SMALL) -> Model:
    """The toy as `load_model` gives it."""
    with tempfile.TemporaryDirectory() as folder:
        return load_model(toy_file(spec, Path(folder)), labels=class_names(spec.classes))


def tensors(spec: ToySpec, count: int, seed: int = 0) -> list[NDArray[np.float32]]:
    """Noise around a mean colour that changes from one to the next: float32 `[size, size, 3]` in [0, 0.8]."""
    rng = np.random.default_rng(seed)
    shape = (spec.size_px, spec.size_px, 3)
    return [np.float32(0.8) * rng.uniform(rng.random(3) / 2, 1.0, shape).astype(np.float32) for _ in range(count)]


def pictures(spec: ToySpec, count: int, seed: int = 0) -> list[NDArray[np.uint8]]:
    """The same as cameras give it: uint8 RGB `[size, size, 3]`."""
    return [np.round(tensor * 255).astype(np.uint8) for tensor in tensors(spec, count, seed)]


def reference_loop(model: bytes | Path, images: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Logits `[images, classes]` of the runtime's signature runner, every state fed back under its own name."""
    source: dict[str, Any] = {"model_path": str(model)} if isinstance(model, Path) else {"model_content": model}
    interpreter = Interpreter(**source, num_threads=1)
    runner = interpreter.get_signature_runner(next(iter(interpreter.get_signature_list())))
    details = runner.get_input_details()
    states = {name: np.zeros(d["shape"], d["dtype"]) for name, d in details.items() if name != "image"}
    logits = []
    for image in images:
        states = runner(image=image[np.newaxis, np.newaxis], **states)
        logits.append(states.pop("logits")[0])
    return np.stack(logits)


def toy_reference_loop(spec: ToySpec, images: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    """`reference_loop` of a toy."""
    return reference_loop(toy_bytes(spec), images)


def run(model: Model, frames, state=None, **settings):
    """Logits `[frames, classes]` of a state, a new one unless given."""
    state = state or model.new_state(**settings)
    return np.stack([model.step_tensor(frame, state) for frame in frames])
