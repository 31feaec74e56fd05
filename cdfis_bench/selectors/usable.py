"""When scores can be drawn by, and what a draw without scores looks like."""

import math

import torch
from torch import Generator, Tensor


def uniform_if_unusable(values: Tensor, total: Tensor, low: float) -> tuple[Tensor, Tensor]:
    """(values, fallback): all ones unless low < total < infinity, and whether that happened.

    values: [K]. total: [] a sum of them, which is not finite if one of them is not.
    Stays on the device: nothing is read back, so that a step never waits for it.
    """
    fallback = ~((total > low) & (total < math.inf))
    return values.masked_fill(fallback, 1.0), fallback


def random_order(k: int, generator: Generator) -> Tensor:
    """A random permutation [k] int64 on the generator's device."""
    return torch.randperm(k, generator=generator, device=generator.device)
