"""Whether scores can be used for drawing, and random orders."""

import math

import torch
from torch import Generator, Tensor

_NO, _YES = torch.tensor(False), torch.tensor(True)


def uniform_if_unusable(values: Tensor, total: Tensor, low: float) -> tuple[Tensor, Tensor]:
    """Replaces values by ones, for a uniform draw, unless low < total < infinity.

    Nothing is read from an accelerator.

    Args:
        values: [K].
        total: A sum [], which is not finite if one of the values is not.
        low: Bound of the total.

    Returns:
        (values [K] or ones, whether they were replaced [] bool).
    """
    if total.device.type == "cpu":  # reading the number takes a tenth of the operations below
        usable = low < total.item() < math.inf
        return (values, _NO) if usable else (torch.ones_like(values), _YES)
    usable = (total > low) & (total < math.inf)
    return torch.where(usable, values, 1.0), ~usable


def random_order(k: int, generator: Generator) -> Tensor:
    """A random permutation [k] int64 on the generator's device."""
    return torch.randperm(k, generator=generator, device=generator.device)
