"""Loading a model: what is found beside and in the file, and every way to refuse one."""

import re
from dataclasses import replace

import numpy as np
import pytest
from toy_streams import (
    SMALL,
    class_names,
    reference_loop,
    run,
    tensors,
    toy_file,
)

from movinet_edge.api import ModelError
from movinet_edge.engine import load_model


class TestLoading:
    def refused(self, path, reason, **settings):
        with pytest.raises(ModelError, match=re.escape(reason)) as caught:
            load_model(path, labels=class_names(7), **settings)
        return str(caught.value)

    @pytest.mark.parametrize(
        ("flag", "reason"),
        [
            ("flex_op", "the model needs FlexSoftplus, which only full TensorFlow has; export it again"),
            ("unpaired_state", "states without a partner on the other side: state_head_pool_frame_count"),
            ("no_signature", "the file has no signature"),
            ("wrong_image_rank", "input 'image' is [1, 12, 12, 3], not one picture [1, 1, height, width, 3]"),
        ],
    )
    def test_models_that_cannot_stream_are_refused(self, tmp_path, flag, reason):
        path = toy_file(replace(SMALL, **{flag: True}), tmp_path)
        assert str(path) in self.refused(path, reason)

    @pytest.mark.parametrize("content", [b"", b"no", b"a text about models\n", b"\x89PNG\r\n\x1a\n" + bytes(50)])
    def test_files_that_are_no_models(self, tmp_path, content):
        path = tmp_path / "x.tflite"
        path.write_bytes(content)
        self.refused(path, f"{path}: not a TFLite model")

    @pytest.mark.parametrize("part", [0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999])
    def test_a_truncated_file_is_refused_and_does_not_end_the_process(self, tmp_path, part):
        path = toy_file(SMALL, tmp_path)
        path.write_bytes(path.read_bytes()[: max(8, int(path.stat().st_size * part))])
        self.refused(path, f"{path}: the runtime cannot load this model: ")

    def test_a_missing_file(self, tmp_path):
        self.refused(tmp_path / "none.tflite", "none.tflite: cannot read the model: No such file or directory")

    def test_a_folder(self, tmp_path):
        self.refused(tmp_path, f"{tmp_path}: cannot read the model: Is a directory")

    @pytest.mark.parametrize("threads", [0, -1])
    def test_too_few_threads(self, tmp_path, threads):
        self.refused(toy_file(SMALL, tmp_path), f"threads must be at least 1, not {threads}", threads=threads)

    def test_labels_of_a_wrong_count(self, tmp_path):
        with pytest.raises(ModelError, match=r"toy\.tflite tells 7 classes apart, but the list given holds 6 labels"):
            load_model(toy_file(SMALL, tmp_path), labels=class_names(6))

    def test_no_labels(self, tmp_path):
        with pytest.raises(ModelError, match=r"toy\.tflite: no labels for its 7 classes"):
            load_model(toy_file(SMALL, tmp_path))

    def test_labels_beside(self, tmp_path):
        (tmp_path / "toy.txt").write_text("\n".join("abcdefg"))
        assert load_model(toy_file(SMALL, tmp_path)).labels == tuple("abcdefg")

    @pytest.mark.parametrize(("name", "expected"), [(None, "toy"), ("movinet-a0-int8", "movinet-a0-int8")])
    def test_its_name(self, tmp_path, name, expected):
        assert load_model(toy_file(SMALL, tmp_path), name=name, labels=class_names(7)).name == expected

    def test_two_threads_give_the_same(self, tmp_path):
        path, frames = toy_file(SMALL, tmp_path), tensors(SMALL, 5)
        model = load_model(path, labels=class_names(7), threads=2)
        assert model.runtime.threads == 2
        np.testing.assert_allclose(run(model, frames, memory="cumulative"), reference_loop(path, frames), atol=1e-5)
