"""Distributed training of one network with several processes, started by `torchrun`.

Without `torchrun` there is one process, and these functions have no effect.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import Tensor
from torch import distributed

PATIENCE = timedelta(hours=2)  # timeout while another process writes or validates


def local_device(device: str) -> str:
    """Return the device of this process: its own GPU if `torchrun` started several."""
    rank = os.environ.get('LOCAL_RANK')
    return f'cuda:{rank}' if device == 'cuda' and rank is not None else device


@contextmanager
def joined_processes(device: str) -> Iterator[None]:
    """Join the processes that `torchrun` started, and leave them at the end."""
    if 'RANK' not in os.environ or distributed.is_initialized():
        yield
        return
    if device.startswith('cuda'):
        torch.cuda.set_device(device)
    backend = 'nccl' if device.startswith('cuda') else 'gloo'
    distributed.init_process_group(backend, timeout=PATIENCE)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def rank() -> int:
    """Return the number of this process, from 0; process 0 writes the files."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def count() -> int:
    """Return the number of processes."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def mean_of_processes(value: Tensor) -> Tensor:
    """Return the mean of a tensor over all processes, without a gradient."""
    mean = value.detach().clone()
    if count() > 1:
        distributed.all_reduce(mean)
        mean /= count()
    return mean


def gather[T](value: T) -> list[T]:
    """Return the values of all processes, in their order."""
    if count() == 1:
        return [value]
    values: list[T | None] = [None] * count()
    distributed.all_gather_object(values, value)
    return [item for item in values if item is not None]
