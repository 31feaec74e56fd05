"""Distinct samples with known chances of being in the mini-batch: systematic sampling."""

import torch
from torch import Generator, Tensor

from cdfis_bench.core.types import Selection
from cdfis_bench.selectors.usable import random_order, uniform_if_unusable


def inclusion_probabilities(masses: Tensor, n: int) -> Tensor:
    """pi_i proportional to the masses, capped at 1, with sum n: [K] float64.

    masses: [K] float64, finite, >= 0; n <= K. What a cap takes away is shared among the others in
    proportion, until no pi exceeds 1. Fewer than n positive masses: those have 1, the others share
    the rest evenly.
    """
    k = masses.shape[0]
    ordered, order = masses.sort(descending=True)
    rest = ordered.flip(0).cumsum(0).flip(0)  # [K] sums from here to the end
    left = n - torch.arange(k, dtype=masses.dtype, device=masses.device)
    # If it fails for one, it fails for all behind: (left - 1) s < rest - s.
    capped = (left > 0) & (ordered > 0) & (left * ordered >= rest)
    count = capped.sum()
    below = ~capped
    shared = torch.where(below, ordered, 0.0)
    shared = torch.where(shared.sum() > 0, shared, below.to(masses.dtype))
    pi = (shared * ((n - count) / shared.sum().clamp_min(1e-300))).clamp_max_(1.0)
    return torch.empty_like(masses).scatter_(0, order, torch.where(capped, 1.0, pi))


def systematic_draw(inclusion: Tensor, n: int, order: Tensor, u: Tensor) -> Tensor:
    """Indices [n] int64, distinct, of the samples in whose stretch the points u, u + 1, .. lie.

    inclusion: [K] float64, sum n: the lengths of the stretches, laid end to end in `order` [K].
    u: [] float64 in [0, 1). A sample is hit with probability inclusion_i exactly.
    """
    # The certain ones first: their ends are whole numbers, which rounding cannot touch.
    order = order[inclusion[order].lt(1).to(torch.int8).argsort(stable=True)]
    ends = inclusion[order].cumsum(0)
    points = u + torch.arange(n, dtype=ends.dtype, device=ends.device)
    # The last point may lie behind the last end by a rounding error.
    return order[torch.searchsorted(ends, points, right=True).clamp_(max=len(ends) - 1)]


class SystematicSelector:
    """n distinct of K; candidate i is among them with probability min(1, n s_i / sum s), capped.

    `inclusion` of the selection holds these: weighting=horvitz_thompson makes the mini-batch an
    unbiased estimate, as weighting=unbiased does for draws with replacement. A score of zero is
    chosen only for want of others. Scores that are not finite, or all zero: uniform, flagged.
    Source: Madow 1949, in random order.
    """

    uses_scores = True
    accepts_signed = False
    known_probabilities = False
    known_inclusion = True

    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection:
        """scores: [K] float >= 0. Returns n distinct indices."""
        exact = scores.double()
        masses, fallback = uniform_if_unusable(exact, exact.sum(), 0.0)
        inclusion = inclusion_probabilities(masses, n)
        order = random_order(scores.shape[0], generator)
        u = torch.rand((), dtype=exact.dtype, device=exact.device, generator=generator)
        drawn = systematic_draw(inclusion, n, order, u)
        return Selection(drawn, None, fallback, inclusion=inclusion)
