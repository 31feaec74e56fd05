"""How a network computes for a while: eval or train mode, and the precision of scoring."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import nn


@contextmanager
def in_mode(model: nn.Module, train: bool) -> Iterator[None]:
    """Context in which every module is in train (or eval) mode; the modes are restored after it."""
    others = [module for module in model.modules() if module.training is not train]
    _set(others, train)
    try:
        yield
    finally:
        _set(others, not train)


def scoring_autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    """Context of scoring passes in `dtype`; float32 needs none.

    Autocast runs without its cache of cast weights, which would hide from grad_norm that a weight
    is used twice.
    """
    if dtype is torch.float32:  # entering a disabled autocast takes time, too
        return nullcontext()
    return torch.autocast(device.type, dtype, cache_enabled=False)


def _set(modules: list[nn.Module], train: bool) -> None:
    for module in modules:
        # nn.Module's own __setattr__ looks for parameters first, which took 2 % of a Two Circles
        # step.
        object.__setattr__(module, "training", train)
