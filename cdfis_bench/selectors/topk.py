"""Highest scores first: online hard example mining, "highest loss" in the paper."""

import math

import torch
from torch import Generator, Tensor

from cdfis_bench.core.types import Selection
from cdfis_bench.selectors.usable import random_order, uniform_if_unusable


def highest(scores: Tensor, n: int, generator: Generator) -> Tensor:
    """Indices [n] int64 of the n largest `scores` [K], distinct.

    Equal scores are chosen among at random: by index, ties (all-correct samples in float32) would
    always favour the same candidates.
    """
    order = random_order(scores.shape[0], generator)
    return order[scores[order].topk(n).indices]


class TopkSelector:
    """The n candidates with the highest scores, without replacement, unweighted.

    Scores that are not finite cannot be ranked: that step draws n candidates uniformly and says so
    in `fallback`.
    Source: Knutsson et al. 2023, section 5.5, "highest loss" and "gradient norm".
    """

    uses_scores = True
    accepts_signed = True
    known_probabilities = False

    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection:
        """scores: [K] float. Returns n distinct indices; probabilities are unknown (0 or 1)."""
        # All equal where one is not finite: `highest` then draws uniformly.
        ranked, fallback = uniform_if_unusable(scores, scores.sum(dtype=torch.float64), -math.inf)
        return Selection(indices=highest(ranked, n, generator), masses=None, fallback=fallback)
