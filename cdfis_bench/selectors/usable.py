"""When scores can be drawn by, and what a draw without scores looks like."""

import torch
from torch import Generator, Tensor


def uniform_if_unusable(masses: Tensor, bad: Tensor) -> tuple[Tensor, Tensor]:
    """(masses, fallback): all ones where `bad` or where the masses sum to nothing, and whether that happened.

    masses: [K] float64. bad: [] bool. Stays on the device: nothing is read back, so a step never waits for it.
    """
    fallback = bad | ~(masses.sum() > 0)
    return torch.where(fallback, 1.0, masses), fallback


def random_order(k: int, generator: Generator) -> Tensor:
    """A random permutation [k] int64 on the generator's device."""
    return torch.randperm(k, generator=generator, device=generator.device)
