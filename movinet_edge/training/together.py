"""Several processes that train one network: each learns from its own windows, and all take the mean of their steps.

On a CPU this is faster than one process with several threads, which wait for each other at every layer.
"""

import signal
import socket
from collections.abc import Callable
from multiprocessing import active_children
from typing import Any

import torch
from torch import distributed, multiprocessing, nn

from movinet_edge.training.orphans import end_with_parent


def rank() -> int:
    """The number of this process; 0 is the one that reports and saves, and the only one where there are no others."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def workers() -> int:
    """How many processes train."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def share_gradients(network: nn.Module) -> None:
    """Replace this process's gradients by the mean of all processes'."""
    if workers() == 1:
        return
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    mean = torch.cat([gradient.reshape(-1) for gradient in gradients])
    distributed.all_reduce(mean)
    parts = (mean / workers()).split([gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view(gradient.shape))


def run_together(count: int, work: Callable[..., None], *arguments: Any) -> None:
    """Call `work(*arguments)` in `count` processes that find each other; in this one if there is only one."""
    if count == 1:
        work(*arguments)
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    try:
        multiprocessing.spawn(_join, (count, port, work, arguments), count)
    except BaseException:  # Python would wait for the others, who wait for their next step
        for worker in active_children():
            worker.terminate()
        raise


def _join(number: int, count: int, port: int, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # the command alone tells that it stopped
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    end_with_parent()  # PyTorch asks for this by an interrupt, which a command in the background of a script never sees
    store = f"tcp://127.0.0.1:{port}"
    distributed.init_process_group("gloo", init_method=store, rank=number, world_size=count)
    work(*arguments)
    distributed.destroy_process_group()
