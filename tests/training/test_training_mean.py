"""The mean of stages: array by array, and nothing of another network."""

import sys

import numpy as np
import pytest
from random_network import random_arrays

from movinet_edge.training import mean
from movinet_edge.training.folding import WeightsError, read_weights
from movinet_edge.training.mean import mean_weights


@pytest.fixture
def stages(tmp_path):
    """Two files of weights."""
    files = [tmp_path / "one.npz", tmp_path / "other.npz"]
    for seed, file in enumerate(files):
        np.savez(file, **random_arrays(seed))
    return files


def test_every_array_is_halfway(stages, tmp_path, monkeypatch):
    out = tmp_path / "mean.npz"
    monkeypatch.setattr(sys, "argv", ["mean", *map(str, stages), "--out", str(out)])
    mean.main()
    one, other, both = (dict(np.load(file)) for file in (*stages, out))
    assert both.keys() == one.keys()
    for name, values in both.items():
        assert np.allclose(values, (one[name] + other[name]) / 2, atol=1e-6), name
        assert values.dtype == one[name].dtype
    assert read_weights(out)


def test_what_is_no_network_is_refused(stages, tmp_path, monkeypatch, capsys):
    stages[1].write_bytes(b"no archive")
    with pytest.raises(WeightsError, match=r"other\.npz"):
        mean_weights(stages, tmp_path / "mean.npz")
    assert not (tmp_path / "mean.npz").exists()
    monkeypatch.setattr(sys, "argv", ["mean", *map(str, stages), "--out", str(tmp_path / "mean.npz")])
    with pytest.raises(SystemExit):
        mean.main()
    assert "other.npz" in capsys.readouterr().err
