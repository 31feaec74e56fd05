"""Selective-Backprop: each sample is accepted by its percentile among recent scores."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from cdfis_bench.core.errors import require, require_number
from cdfis_bench.core.parts import VariableSizeSelector
from cdfis_bench.core.types import Selection
from cdfis_bench.selectors.usable import uniform_if_unusable


def acceptance(scores: Tensor, history: Tensor, beta: float) -> Tensor:
    """(share of `history` strictly below each score)^beta: [K], float64, in [0, 1)."""
    below = torch.searchsorted(history.sort().values, scores)
    return (below.double() / history.shape[0]).pow(beta)


class PercentileBernoulliSelector(VariableSizeSelector):
    """Accepts each candidate independently with probability percentile^beta.

    The percentile is the share of the last `history` scores that lie strictly below; the scores of
    the present candidates are among them, so the lowest is never accepted. On average one candidate
    of beta + 1 is accepted. Scores that are not finite: all are accepted with probability
    1 / (beta + 1), and `Selection.fallback` is true.

    Source: Jiang et al. 2019 (Selective-Backprop), section 3, and the authors' code.
    """

    accepts_negative_scores = True

    def __init__(self, beta: float = 3.0, history: int = 1024) -> None:
        """Makes the selector.

        Args:
            beta: Exponent (the authors' default is 3).
            history: Number of recent scores, 1 or more (the authors' default is 1,024).
        """
        self.beta = require_number("selector.beta", beta, 0.0, 1e3)
        require(
            isinstance(history, int) and history >= 1,
            f"selector.history={history!r} must be a whole number of scores, 1 or more",
        )
        self.history = history
        self._recent: Tensor | None = None  # [<= history] float64, oldest first

    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection:
        """Returns none to all of the candidates with `scores` [K], in order; n is ignored."""
        exact = scores.double()
        usable, fallback = uniform_if_unusable(exact, exact.sum(), -math.inf)
        known = usable[:0] if self._recent is None else self._recent
        recent = torch.cat([known, usable])[-self.history :]
        probabilities = acceptance(usable, recent, self.beta)
        if fallback:  # synchronizes, as the number of the accepted does anyway
            probabilities = torch.full_like(probabilities, 1 / (self.beta + 1))
        else:
            self._recent = recent
        u = torch.rand(exact.shape, dtype=exact.dtype, device=exact.device, generator=generator)
        return Selection(torch.nonzero(u < probabilities).squeeze(1), fallback=fallback)

    def state_dict(self) -> dict[str, Any]:
        """The recent scores."""
        return {"recent": self._recent}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues with the stored scores."""
        self._recent = state["recent"]
