"""Systematic sampling: distinct samples with known inclusion probabilities."""

import torch
from torch import Generator, Tensor

from cdfis_bench.core.parts import Selector
from cdfis_bench.core.types import Selection
from cdfis_bench.selectors.usable import random_order, uniform_if_unusable


def inclusion_probabilities(unnormalized: Tensor, n: int) -> Tensor:
    """Inclusion probabilities proportional to `unnormalized`, capped at 1: [K], float64, sum n.

    What a cap takes away is shared among the others in proportion, until no probability exceeds 1.
    If fewer than n are positive, those have probability 1, and the others share the rest evenly.

    Args:
        unnormalized: [K], float64, finite, >= 0; n <= K.
        n: Number of samples to be included.
    """
    k = unnormalized.shape[0]
    ordered, order = unnormalized.sort(descending=True)
    rest = ordered.flip(0).cumsum(0).flip(0)  # [K] sums from here to the end
    left = n - torch.arange(k, dtype=unnormalized.dtype, device=unnormalized.device)
    # If it fails for one, it fails for all that follow: (left - 1) s < rest - s.
    capped = (left > 0) & (ordered > 0) & (left * ordered >= rest)
    count = capped.sum()
    below = ~capped
    shared = torch.where(below, ordered, 0.0)
    shared = torch.where(shared.sum() > 0, shared, below.to(unnormalized.dtype))
    pi = (shared * ((n - count) / shared.sum().clamp_min(1e-300))).clamp_max_(1.0)
    return torch.empty_like(unnormalized).scatter_(0, order, torch.where(capped, 1.0, pi))


def systematic_draw(inclusion: Tensor, n: int, order: Tensor, u: Tensor) -> Tensor:
    """Indices [n], int64, distinct: the samples whose intervals contain the points u, u + 1, ...

    Args:
        inclusion: Inclusion probabilities [K], float64, sum n: the lengths of the intervals, which
            are laid end to end. Each sample is hit with exactly this probability.
        n: Number of samples.
        order: In which the intervals are laid, [K], int64.
        u: [], float64, in [0, 1).
    """
    # The certain ones first: their ends are whole numbers, free of rounding errors.
    order = order[inclusion[order].lt(1).to(torch.int8).argsort(stable=True)]
    ends = inclusion[order].cumsum(0)
    points = u + torch.arange(n, dtype=ends.dtype, device=ends.device)
    # The last point may lie behind the last end by a rounding error.
    return order[torch.searchsorted(ends, points, right=True).clamp_(max=len(ends) - 1)]


class SystematicSelector(Selector):
    """Selects n distinct of K; candidate i with probability min(1, n s_i / sum s), capped.

    With the inclusion probabilities, weighting=horvitz_thompson makes the mini-batch an unbiased
    estimate, as weighting=unbiased does for draws with replacement. A candidate with score zero is
    selected only if fewer than n scores are positive. Scores that are not finite, or all zero: that
    step draws uniformly, and `Selection.fallback` is true.

    Source: Madow 1949, in random order.
    """

    gives_inclusion_probabilities = True

    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection:
        """Returns n distinct candidates with `scores` [K] >= 0."""
        exact = scores.double()
        unnormalized, fallback = uniform_if_unusable(exact, exact.sum(), 0.0)
        inclusion = inclusion_probabilities(unnormalized, n)
        order = random_order(scores.shape[0], generator)
        u = torch.rand((), dtype=exact.dtype, device=exact.device, generator=generator)
        drawn = systematic_draw(inclusion, n, order, u)
        return Selection(drawn, fallback=fallback, inclusion_probabilities=inclusion)
