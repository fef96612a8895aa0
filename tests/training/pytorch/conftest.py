"""The network of chance weights, for the tests that need PyTorch."""

from typing import Any

import pytest
from training.random_network import random_arrays

from movinet_edge.training.labels import LABELS


@pytest.fixture(scope="session")
def network() -> Any:
    """In PyTorch, made once; tests that change it have to put that back."""
    import torch  # most environments have none

    from movinet_edge.training.network import Movinet

    network = Movinet(len(LABELS))
    # The file has no counters of batches, which nothing reads while the norms' momentum is fixed.
    network.load_state_dict({k: torch.from_numpy(v) for k, v in random_arrays().items()}, strict=False)
    return network.eval()
