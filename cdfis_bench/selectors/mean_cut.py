"""Leaving out a part of the well-learned: InfoBatch."""

import math

import torch
from torch import Generator, Tensor

from cdfis_bench.core.errors import require_number
from cdfis_bench.core.types import Selection
from cdfis_bench.selectors.usable import random_order, uniform_if_unusable

TOLERANCE = 1e-12  # equal scores are not below their mean, whatever rounding says


class MeanCutSelector:
    """Of the samples whose score is below the mean, all but a share `ratio` are left out at random;
    the others all stay.

    Variable size. The kept ones of the first kind weigh |W| / kept, so that the weights add up to
    the number of samples exactly; the number kept is rounded at random, so that its expectation is
    exact as well (the authors' code rounds down and weighs 1 / (1 - ratio)).
    Source: Qin et al. 2024 (InfoBatch), equation 6.
    """

    uses_scores = True
    accepts_signed = True
    known_probabilities = False
    variable_size = True
    gives_weights = True

    def __init__(self, ratio: float = 0.5) -> None:
        self.ratio = require_number("selector.ratio", ratio, 0.0, 1.0)

    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection:
        """scores: [K]. n is not looked at. Returns distinct indices with their weights."""
        values = scores.double()
        values, fallback = uniform_if_unusable(values, values.sum(), -math.inf)
        learned = values < values.mean() - TOLERANCE
        few = torch.nonzero(learned).squeeze(1)
        wanted = (1 - self.ratio) * len(few)
        up = torch.rand((), generator=generator, device=generator.device).item() < wanted % 1
        kept = few[random_order(len(few), generator)[: int(wanted) + up]]
        rest = torch.nonzero(~learned).squeeze(1)
        weights = torch.ones(len(kept) + len(rest), device=scores.device)
        if len(kept):
            weights[: len(kept)] = len(few) / len(kept)
        return Selection(torch.cat([kept, rest]), None, fallback, weights=weights)
