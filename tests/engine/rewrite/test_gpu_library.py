"""Where LiteRT's CompiledModel would end the process, it is never made."""

import importlib.util
import platform
from importlib.machinery import ModuleSpec

import numpy as np
import pytest
import toy_model
from small_graphs import small_movinet
from structlog.testing import capture_logs
from toy_model import ToySpec

from movinet_edge.engine import gpu_library, load_model, runtime
from movinet_edge.engine.rewrite import HostedSession, RewriteRefused, hosting, read_signature, rewrite
from movinet_edge.engine.rewrite.writing import write_graph

PI_4 = "processor\t: 0\nFeatures\t: fp asimd evtstrm crc32 cpuid\n\n"
PI_5 = "processor\t: 0\nFeatures\t: fp asimd evtstrm aes atomics asimddp\n\n"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Makes a machine of a kind of processor, a text of the kernel about it (or none), with the library or without."""

    def make(kind, cpuinfo, *, library):
        if cpuinfo is not None:
            (tmp_path / "cpuinfo").write_text(cpuinfo)
        if library:
            (tmp_path / "libLiteRtWebGpuAccelerator.so").touch()
        spec = ModuleSpec("ai_edge_litert", None, is_package=True)
        spec.submodule_search_locations = [str(tmp_path)]
        monkeypatch.setattr(platform, "machine", lambda: kind)
        monkeypatch.setattr(gpu_library, "_CPUINFO", tmp_path / "cpuinfo")
        monkeypatch.setattr(importlib.util, "find_spec", lambda _: spec)

    return make


@pytest.mark.parametrize(
    ("kind", "cpuinfo", "library", "stopped"),
    [
        ("aarch64", PI_4 * 4, True, True),
        ("aarch64", PI_5 * 4, True, False),
        ("aarch64", PI_5 + PI_4, True, True),
        ("aarch64", PI_4, False, False),
        ("aarch64", None, True, True),
        ("x86_64", None, True, False),
    ],
)
def test_it_is_known_before(machine, kind, cpuinfo, library, stopped):
    machine(kind, cpuinfo, library=library)
    reason = gpu_library.why_not_compiled_model()
    assert (reason is not None) == stopped
    assert reason is None or "remove /" in reason


def test_the_session_refuses_in_words(machine):
    content = write_graph(small_movinet(), "serving_default")
    rewritten, interface = rewrite(content), read_signature(content)
    machine("aarch64", PI_4, library=True)
    with pytest.raises(RewriteRefused, match="LSE"):
        HostedSession(rewritten, interface)


@pytest.mark.parametrize("fast", [True, False])
def test_a_model_runs_on_the_interpreter_there_with_the_same_scores(tmp_path, monkeypatch, fast):
    path = toy_model.write(ToySpec(), tmp_path / "toy.tflite")
    labels = [str(number) for number in range(600)]
    expected = load_model(path, labels=labels, fast=fast)
    with monkeypatch.context() as patch, capture_logs() as logs:
        for module in (runtime, hosting):
            patch.setattr(module, "why_not_compiled_model", lambda: "it would end the process; remove /that/file")
        cautious = load_model(path, labels=labels, fast=fast)
    assert cautious.runtime.name == "LiteRT interpreter"
    assert expected.runtime.name == "LiteRT"
    assert cautious.fast.used == cautious.runtime.rewritten == fast
    assert [log["reason"] for log in logs] == ([] if fast else ["it would end the process; remove /that/file"])
    states = expected.new_state(), cautious.new_state()
    rng = np.random.default_rng(1)
    for _ in range(5):
        image = rng.integers(0, 255, (24, 32, 3), dtype=np.uint8)
        np.testing.assert_allclose(cautious.step(image, states[1]), expected.step(image, states[0]), atol=1e-6)
