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
    """Three files of weights."""
    files = [tmp_path / name for name in ("one.npz", "other.npz", "third.npz")]
    for seed, file in enumerate(files):
        np.savez(file, **random_arrays(seed))
    return files


def test_every_array_is_their_mean(stages, tmp_path, monkeypatch):
    out = tmp_path / "mean.npz"
    monkeypatch.setattr(sys, "argv", ["mean", *map(str, stages), "--out", str(out)])
    mean.main()
    *each, together = (dict(np.load(file)) for file in (*stages, out))
    assert together.keys() == each[0].keys()
    for name, values in together.items():
        assert np.allclose(values, np.mean([arrays[name] for arrays in each], axis=0), atol=1e-6), name
        assert values.dtype == each[0][name].dtype
    assert read_weights(out)
    assert not list(tmp_path.glob("*.part"))


def test_stages_of_two_trainings_are_refused(stages, tmp_path):
    np.savez(stages[2], **random_arrays(2), pose=np.zeros(3))
    with pytest.raises(WeightsError, match=r"third\.npz has other arrays than .*one\.npz"):
        mean_weights(stages, tmp_path / "mean.npz")


def test_what_training_alone_uses_is_left_out_since_it_may_differ(stages, tmp_path):
    for number, file in enumerate(stages):
        weight = np.zeros((number + 1, 2))
        np.savez(file, **random_arrays(number), **{"joints.0.weight": weight, f"pose.{number}.bias": weight})
    mean_weights(stages, tmp_path / "mean.npz")
    assert np.load(tmp_path / "mean.npz").keys() == random_arrays(0).keys()


def test_what_is_no_network_is_refused(stages, tmp_path, monkeypatch, capsys):
    stages[1].write_bytes(b"no archive")
    with pytest.raises(WeightsError, match=r"other\.npz"):
        mean_weights(stages, tmp_path / "mean.npz")
    assert not (tmp_path / "mean.npz").exists()
    monkeypatch.setattr(sys, "argv", ["mean", *map(str, stages), "--out", str(tmp_path / "mean.npz")])
    with pytest.raises(SystemExit):
        mean.main()
    assert "other.npz" in capsys.readouterr().err
