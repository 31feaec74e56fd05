"""The device of a run and its threads."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from cdfis_bench.backends.allocator import keep_freed_memory
from cdfis_bench.core.errors import UserError, require, require_choice


def find_device(name: str) -> torch.device:
    """The device called `name`: auto (cuda, else mps, else cpu), cpu, cuda or mps.

    Raises UserError if this machine does not have it; there is no silent fall-back.
    """
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
    """Inside, torch uses `threads` CPU threads (None: its own choice) and repeatable convolutions;
    then as before. Freed memory stays with the process for good.
    """
    require(
        threads is None or (isinstance(threads, int) and threads >= 1),
        f"device.threads={threads!r} must be a whole number above 0, or null for torch's choice",
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
