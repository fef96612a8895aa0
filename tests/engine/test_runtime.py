"""Which runtime runs a model, what it says about itself, and what becomes of all it prints."""

import importlib.metadata
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import structlog
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from toy_streams import SMALL, class_names, tensors, toy, toy_bytes, toy_file

from movinet_edge.api import ModelError
from movinet_edge.engine import RuntimeInfo, RuntimeMissing, load_model, runtime
from movinet_edge.engine.native_log import captured_native_log
from movinet_edge.engine.runtime import open_session
from movinet_edge.engine.tflite import InterpreterSession, delegates

LITERT = ("ai_edge_litert", "ai_edge_litert.compiled_model", "ai_edge_litert.interpreter")
TFLITE = ("tflite_runtime", "tflite_runtime.interpreter")


@pytest.fixture
def hide(monkeypatch):
    """Makes modules impossible to import, as if they were not installed."""

    def hidden(*names):
        for name in names:
            monkeypatch.setitem(sys.modules, name, None)

    return hidden


class TestInfo:
    def test_it_says_what_runs(self):
        version = importlib.metadata.version("ai-edge-litert")
        assert toy().runtime == RuntimeInfo("LiteRT", version, threads=1, xnnpack=True, rewritten=True)

    @pytest.mark.parametrize("choice", ["auto", "litert"])
    def test_litert_is_the_first_choice(self, tmp_path, choice):
        assert open_session(toy_file(SMALL, tmp_path), choice).runtime.name == "LiteRT"

    @pytest.mark.parametrize(
        ("info", "text"),
        [
            (RuntimeInfo("LiteRT", "2.1.0", 1, True), "LiteRT 2.1.0, XNNPACK on, 1 thread"),
            (RuntimeInfo("LiteRT", "2.1.0", 1, True, True), "LiteRT 2.1.0, XNNPACK on, 1 thread, rewritten file"),
            (RuntimeInfo("LiteRT", "2.1.0", 2, False), "LiteRT 2.1.0, XNNPACK OFF, 2 threads"),
            (RuntimeInfo("tflite-runtime", "2.14.0", 4, None), "tflite-runtime 2.14.0, XNNPACK unknown, 4 threads"),
        ],
    )
    def test_as_text(self, info, text):
        assert str(info) == text


class TestXnnpack:
    @staticmethod
    def session(resolver: OpResolverType) -> InterpreterSession:
        interpreter = Interpreter(model_content=toy_bytes(SMALL), experimental_op_resolver_type=resolver)
        return InterpreterSession(interpreter, name="LiteRT", version="2", threads=1, file="toy.tflite")

    @pytest.mark.parametrize(
        ("resolver", "expected"),
        [(OpResolverType.BUILTIN, True), (OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, False)],
    )
    def test_it_is_seen_by_the_operators_given_away(self, resolver, expected):
        interpreter = Interpreter(model_content=toy_bytes(SMALL), experimental_op_resolver_type=resolver)
        assert delegates(interpreter) is expected

    @pytest.mark.parametrize(
        ("resolver", "warnings"),
        [(OpResolverType.BUILTIN, 0), (OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, 1)],
    )
    def test_without_it_there_is_a_warning(self, monkeypatch, tmp_path, resolver, warnings):
        monkeypatch.setattr(runtime, "LiteRTSession", lambda _path, _threads: self.session(resolver))
        with structlog.testing.capture_logs() as logs:
            session = open_session(toy_file(SMALL, tmp_path))
        assert session.runtime.xnnpack is (warnings == 0)
        assert len(logs) == warnings
        for log in logs:
            assert log["log_level"] == "warning"
            assert log["event"] == "inference will be 5 to 12 times slower: XNNPACK is off"
            assert "XNNPACK OFF" in log["runtime"]
            assert "/proc/cpuinfo" in log["hint"]


class TestMissing:
    def refused(self, tmp_path, choice):
        with pytest.raises(RuntimeMissing) as caught:
            load_model(toy_file(SMALL, tmp_path), runtime=choice, labels=class_names(7))
        assert isinstance(caught.value, ModelError)
        return str(caught.value)

    def test_nothing_is_installed(self, tmp_path, hide):
        hide(*LITERT, *TFLITE)
        text = self.refused(tmp_path, "auto")
        assert "no runtime for TFLite models: LiteRT cannot be imported (" in text
        assert "tflite-runtime cannot be imported (" in text
        assert text.endswith("Install one with: pip install ai-edge-litert")

    def test_litert_is_forced_and_missing(self, tmp_path, hide):
        hide(*LITERT)
        text = self.refused(tmp_path, "litert")
        assert text.startswith("LiteRT cannot be imported (")
        assert text.endswith("install it with: pip install ai-edge-litert")

    def test_tflite_is_forced_and_missing(self, tmp_path, hide):
        hide(*TFLITE)
        assert self.refused(tmp_path, "tflite").startswith("tflite-runtime cannot be imported (")

    @pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.0.0", reason="needs numpy 2")
    @pytest.mark.parametrize("choice", ["auto", "tflite"])
    def test_tflite_beside_numpy_2(self, tmp_path, monkeypatch, hide, choice):
        # What pip leaves behind; the package itself crashes at import with this numpy, so it must not get that far.
        installed = tmp_path / "tflite_runtime-2.14.0.dist-info"
        installed.mkdir()
        (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: tflite-runtime\nVersion: 2.14.0\n")
        (tmp_path / "tflite_runtime").mkdir()
        (tmp_path / "tflite_runtime" / "__init__.py").write_text("raise SystemError('imported')")
        monkeypatch.syspath_prepend(tmp_path)
        hide(*LITERT)
        text = self.refused(tmp_path, choice)
        assert f"tflite-runtime does not work with numpy {np.__version__}; install 'numpy<2' beside it" in text

    def test_the_file_is_looked_at_first(self, tmp_path, hide):
        hide(*LITERT, *TFLITE)
        path = tmp_path / "x.tflite"
        path.write_text("hello")
        with pytest.raises(ModelError, match="not a TFLite model"):
            load_model(path)


class TestNativeLog:
    NATIVE = (
        "INFO: [environment.cc:36] Creating LiteRT environment with options\n"
        "WARNING: [npu_registry.cc:34] NPU accelerator could not be loaded\n"
        "└ Could not load shared library libopenvino.so\n"
        "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"
        "W0000 00:00:1732159368.123456    1234 file.cc:12] something\n"
    )
    OTHERS = (
        "Traceback (most recent call last):\n"
        '  File "camera.py", line 12, in read\n'
        "    raise Error\n"
        "ErrorOfACamera: gone\n"
        "WARNING:urllib3.connectionpool:Retrying\n"
        "2026-11-21 [warning  ] frame dropped stream=porch\n"
        "INFORMATION about 100 Grad: Größe\n"
        "\n"
    )

    def test_the_runtimes_lines_are_kept_and_all_others_passed_on(self, capfd):
        lines = [
            line for pair in zip(self.OTHERS.splitlines(), 2 * self.NATIVE.splitlines(), strict=False) for line in pair
        ]
        with captured_native_log() as log:
            os.write(2, "".join(f"{line}\n" for line in lines).encode())
            assert capfd.readouterr().err == ""
        assert capfd.readouterr().err == self.OTHERS
        assert log.lines == [line for line in lines if line not in self.OTHERS.splitlines()]
        assert "XNNPACK delegate" in log
        assert "CUDA" not in log

    def test_what_python_prints_is_in_its_place(self, capfd):
        sys.stderr.write("before\n")
        with captured_native_log():
            sys.stderr.write("meanwhile\n")
        sys.stderr.write("afterwards\n")
        assert capfd.readouterr().err == "before\nmeanwhile\nafterwards\n"

    def test_standard_error_is_itself_again_after_a_failure(self, capfd):
        def fail():
            with captured_native_log():
                os.write(2, b"INFO: [a.cc:1] hidden\nseen\n")
                raise RuntimeError("on purpose")

        with pytest.raises(RuntimeError, match="on purpose"):
            fail()
        os.write(2, b"INFO: seen too\n")
        assert capfd.readouterr().err == "seen\nINFO: seen too\n"

    def test_loading_and_running_is_silent(self, capfd):
        model = toy()
        model.step_tensor(tensors(SMALL, 1)[0], model.new_state())
        assert capfd.readouterr() == ("", "")

    def test_files_that_are_refused_are_silent(self, tmp_path, capfd):
        path = toy_file(SMALL, tmp_path)
        path.write_bytes(path.read_bytes()[:1000])
        with pytest.raises(ModelError):
            load_model(path)
        assert capfd.readouterr() == ("", "")

    def test_captures_may_be_nested(self, capfd):
        with captured_native_log() as outer:
            os.write(2, b"INFO: outer\n")
            with captured_native_log() as inner:
                os.write(2, b"INFO: inner\nothers\n")
        assert (outer.lines, inner.lines) == (["INFO: outer"], ["INFO: inner"])
        assert capfd.readouterr().err == "others\n"

    def test_no_descriptor_is_left_open(self):
        before = self.descriptors()
        for _ in range(5):
            with captured_native_log():
                pass
        assert self.descriptors() == before

    @staticmethod
    def descriptors():
        return len(list(Path("/proc/self/fd").iterdir()))

    def test_models_may_be_loaded_at_once(self, capfd):
        with ThreadPoolExecutor(3) as pool:
            models = list(pool.map(lambda _: toy(), range(6)))
        frame = tensors(SMALL, 1)[0]
        logits = [model.step_tensor(frame, model.new_state()) for model in models]
        assert all(np.array_equal(logits[0], other) for other in logits)
        assert capfd.readouterr().err == ""


SCRIPT = """
import sys
from pathlib import Path
from movinet_edge.engine import load_model
import numpy as np
print("begin", file=sys.stderr)
model = load_model(Path(sys.argv[1]), labels=list("abcdefg"))
print(model.runtime.xnnpack, model.step(np.zeros((5, 5, 3), np.uint8), model.new_state()).shape)
print("end", file=sys.stderr)
"""


@pytest.mark.parametrize("error", ["", " 2>&-"], ids=["open", "closed"])
def test_a_process_of_its_own(tmp_path, error):
    """The first load in a process is the loudest, and a service may have no standard error."""
    command = ["sh", "-c", f'exec "$0" "$@"{error}', sys.executable, "-c", SCRIPT, str(toy_file(SMALL, tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "True (7,)" in done.stdout.splitlines()
    # Where there is no standard error Python prints to standard output instead.
    assert (done.stdout if error else done.stderr).startswith("begin\n")
    assert "INFO" not in (done.stdout + done.stderr).partition("end\n")[0]
