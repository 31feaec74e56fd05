"""Uniform selection: the baseline of every comparison."""

import torch
from torch import Generator, Tensor

from cdfis_bench.core.parts import Selector
from cdfis_bench.core.types import Selection
from cdfis_bench.selectors.usable import random_order


class UniformSelector(Selector):
    """Selects n of the K candidates, each equally likely, without replacement.

    `uses_scores` is false: the engine then loads N samples per step instead of K and scores none,
    as a user without importance sampling would. In one draw every candidate has probability 1/K.
    """

    uses_scores = False
    accepts_negative_scores = True

    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection:
        """Returns n distinct candidates; only the number of `scores` [K] matters."""
        k = scores.shape[0]
        return Selection(
            indices=random_order(k, generator)[:n],
            unnormalized_probabilities=torch.ones(k, dtype=torch.float64, device=scores.device),
            fallback=torch.zeros((), dtype=torch.bool, device=scores.device),
        )
