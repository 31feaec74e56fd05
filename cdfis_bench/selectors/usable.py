"""When scores can be drawn by, and what a draw without scores looks like."""

import math

import torch
from torch import Generator, Tensor

_NO, _YES = torch.tensor(False), torch.tensor(True)


def uniform_if_unusable(values: Tensor, total: Tensor, low: float) -> tuple[Tensor, Tensor]:
    """(values, fallback): all ones unless low < total < infinity, and whether that happened.

    values: [K]. total: [] a sum of them, which is not finite if one of them is not. fallback: []
    bool; nothing is read from an accelerator.
    """
    if total.device.type == "cpu":  # reading costs a tenth of calculating here
        usable = low < total.item() < math.inf
        return (values, _NO) if usable else (torch.ones_like(values), _YES)
    usable = (total > low) & (total < math.inf)
    return torch.where(usable, values, 1.0), ~usable


def random_order(k: int, generator: Generator) -> Tensor:
    """A random permutation [k] int64 on the generator's device."""
    return torch.randperm(k, generator=generator, device=generator.device)
