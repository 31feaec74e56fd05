"""Uniform selection: the baseline that every arm is judged against."""

import torch
from torch import Generator, Tensor

from cdfis_bench.core.types import Selection
from cdfis_bench.selectors.usable import random_order


class UniformSelector:
    """n of the K candidates, each equally likely, without replacement.

    `uses_scores` is false: the engine then loads N samples a step instead of K and scores none, as
    a user without importance sampling would. In one draw every candidate has probability 1/K.
    """

    uses_scores = False
    accepts_signed = True
    known_probabilities = True

    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection:
        """scores: [K], only their number counts. Returns n distinct indices."""
        k = scores.shape[0]
        return Selection(
            indices=random_order(k, generator)[:n],
            masses=torch.ones(k, dtype=torch.float64, device=scores.device),
            fallback=torch.zeros((), dtype=torch.bool, device=scores.device),
        )
