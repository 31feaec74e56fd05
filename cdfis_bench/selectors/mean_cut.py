"""InfoBatch: leaving out a share of the samples below the mean score."""

import math

import torch
from torch import Generator, Tensor

from cdfis_bench.core.errors import require_number
from cdfis_bench.core.parts import VariableSizeSelector
from cdfis_bench.core.types import Selection
from cdfis_bench.selectors.usable import random_order, uniform_if_unusable

TOLERANCE = 1e-12  # equal scores must not be below their mean because of rounding


class MeanCutSelector(VariableSizeSelector):
    """Leaves out a random share `ratio` of the samples below the mean score; keeps all others.

    The W samples below the mean of which w are kept weigh W / w each, so that the weights add up
    to the number of samples exactly. w is rounded at random, so that its expectation is exact as
    well (the authors' code rounds down and weights by 1 / (1 - ratio)).

    Source: Qin et al. 2024 (InfoBatch), equation 6.
    """

    accepts_negative_scores = True
    gives_loss_weights = True

    def __init__(self, ratio: float = 0.5) -> None:
        """Makes the selector.

        Args:
            ratio: Share in [0, 1] left out of the samples below the mean (the authors' r).
        """
        self.ratio = require_number("selector.ratio", ratio, 0.0, 1.0)

    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection:
        """Returns distinct indices with loss weights, from `scores` [K]; n is ignored."""
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
        return Selection(torch.cat([kept, rest]), fallback=fallback, loss_weights=weights)
