"""Draws in proportion to unnormalized probabilities, with and without replacement."""

import torch
from torch import Generator, Tensor


def draw(unnormalized: Tensor, n: int, generator: Generator) -> Tensor:
    """Draws n indices with replacement, in proportion to `unnormalized`.

    multinomial inverts the cumulative distribution in the precision of its input: in float32 the
    sum would round small probabilities away (1 in 27 of 1,024 skewed ones). The candidates are not
    sorted first: their order does not change the distribution.

    Args:
        unnormalized: [K], float64, finite, >= 0, not all zero. A zero is never drawn.
        n: Number of draws.
        generator: On the device of `unnormalized`.

    Returns:
        Indices [n], int64.

    Source: Knutsson et al. 2023, section 4.1.
    """
    return unnormalized.multinomial(n, replacement=True, generator=generator)


def draw_distinct(unnormalized: Tensor, n: int, generator: Generator) -> Tensor:
    """Draws n distinct indices, one by one in proportion to what is left.

    Args:
        unnormalized: [K], float64, finite, >= 0; n <= K. Zeros come last, among themselves in
            random order.
        n: Number of draws.
        generator: On the device of `unnormalized`.

    Returns:
        Indices [n], int64.
    """
    return draw_distinct_by_log(unnormalized.log(), n, generator)


def draw_distinct_by_log(logarithms: Tensor, n: int, generator: Generator) -> Tensor:
    """The same as draw_distinct, from logarithms [K], float64, at least -1e6 or -infinity (zero).

    Exponential race: the n smallest of E_i / p_i with E_i ~ Exp(1), in logarithms.

    Source: Efraimidis and Spirakis 2006.
    """
    race = torch.empty_like(logarithms).exponential_(generator=generator).log_() - logarithms
    # Behind every positive probability.
    late = 2e6 + torch.rand(race.shape, dtype=race.dtype, device=race.device, generator=generator)
    return torch.where(logarithms > -torch.inf, race, late).topk(n, largest=False).indices
