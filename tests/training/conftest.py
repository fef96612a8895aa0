"""A float and an int8 file of the same chance weights, written once for all tests of this folder."""

from pathlib import Path

import pytest
from training.random_network import observed_ranges, random_arrays, random_frames

from movinet_edge.training.architecture import IMAGE_SIZE_PX
from movinet_edge.training.export import float_graph, write_model
from movinet_edge.training.folding import fold
from movinet_edge.training.labels import LABELS
from movinet_edge.training.quantise import quantise


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The float32 and the int8 file, labels beside them."""
    folder = tmp_path_factory.mktemp("exported")
    folded = fold(random_arrays())
    ranges = observed_ranges(float_graph(folded), random_frames(12, IMAGE_SIZE_PX))
    files = folder / "float32.tflite", folder / "int8.tflite"
    files[0].write_bytes(write_model(float_graph(folded)))
    files[1].write_bytes(write_model(quantise(float_graph(folded), ranges)))
    (folder / "labels.txt").write_text("\n".join(LABELS))
    return files
