"""The device that a run is computed on, and its number of CPU threads."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from cdfis_bench.backends.allocator import keep_freed_memory
from cdfis_bench.core.errors import UserError, require, require_choice

MOST_THREADS = 4096


def find_device(name: str) -> torch.device:
    """Finds a device by name. There is no silent fallback to another one.

    Args:
        name: cpu, cuda, mps, or auto: cuda if available, otherwise mps, otherwise cpu.

    Returns:
        The device.

    Raises:
        UserError: If the name is unknown, or this machine has no such device.
    """
    kind, _, number = str(name).partition(":")
    require(
        kind != "cuda" or not number.isdecimal(),
        f"device={name}: a run uses the first GPU that it sees; use device=cuda with "
        f"CUDA_VISIBLE_DEVICES={number} in the environment",
    )
    require_choice("device.name", name, ("auto", "cpu", "cuda", "mps"))
    has = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(candidate for candidate in has if has[candidate])
    if not has[name]:
        raise UserError(
            f"device={name} was asked for, but PyTorch {torch.__version__} finds none here; "
            "use device=cpu or device=auto"
        )
    return torch.device(name)


@contextmanager
def computing_on(device: torch.device, threads: int | None) -> Iterator[None]:
    """Sets torch up for a run, and restores its settings when the context ends.

    Within the context torch uses the given number of threads, and deterministic convolutions on
    CUDA. From then on the process also keeps the memory that it frees (backends/allocator.py).

    Args:
        device: The device of the run.
        threads: Number of CPU threads; None for torch's default.

    Raises:
        UserError: If `threads` is no whole number above 0, or far more than any machine has.
    """
    require(
        threads is None or (type(threads) is int and 1 <= threads <= MOST_THREADS),
        f"device.threads={threads!r} must be a whole number from 1 to {MOST_THREADS}, or null for "
        "torch's default",
    )
    keep_freed_memory()
    before = torch.get_num_threads()
    cudnn = torch.backends.cudnn
    flags = cudnn.deterministic, cudnn.benchmark
    if threads is not None:
        torch.set_num_threads(threads)
    if device.type == "cuda":
        cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        torch.set_num_threads(before)
        cudnn.deterministic, cudnn.benchmark = flags
