"""The highest scores: online hard example mining, "highest loss" in the paper."""

import math

import torch
from torch import Generator, Tensor

from cdfis_bench.core.parts import Selector
from cdfis_bench.core.types import Selection
from cdfis_bench.selectors.usable import random_order, uniform_if_unusable


def highest(scores: Tensor, n: int, generator: Generator) -> Tensor:
    """Indices [n], int64, distinct, of the n largest `scores` [K].

    Ties are broken at random: by index, ties (all-correct samples in float32) would always favour
    the same candidates.
    """
    order = random_order(scores.shape[0], generator)
    return order[scores[order].topk(n).indices]


class TopkSelector(Selector):
    """Selects the n candidates with the highest scores, without replacement, unweighted.

    Scores that are not finite cannot be ranked: that step draws uniformly, and `Selection.fallback`
    is true.

    Source: Knutsson et al. 2023, section 5.5, "highest loss" and "gradient norm".
    """

    accepts_negative_scores = True

    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection:
        """Returns n distinct candidates with the highest `scores` [K]."""
        # All equal where one is not finite: `highest` then draws uniformly.
        ranked, fallback = uniform_if_unusable(scores, scores.sum(dtype=torch.float64), -math.inf)
        return Selection(highest(ranked, n, generator), fallback=fallback)
