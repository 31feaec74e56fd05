"""Accepting each sample on its own, by its percentile in recent scores: Selective-Backprop."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from cdfis_bench.core.errors import require, require_number
from cdfis_bench.core.types import Selection
from cdfis_bench.selectors.usable import uniform_if_unusable


def acceptance(scores: Tensor, history: Tensor, beta: float) -> Tensor:
    """(share of `history` strictly below each score)^beta: [K] float64 in [0, 1)."""
    below = torch.searchsorted(history.sort().values, scores)
    return (below.double() / history.shape[0]).pow(beta)


class PercentileBernoulliSelector:
    """Each candidate is accepted with chance percentile^beta, whatever becomes of the others.

    The percentile is the share of the last `history` scores that lie strictly below; those of the
    candidates at hand are among them, so the lowest is never accepted. On the average 1 of beta + 1
    is. `variable_size`: none to all of K are returned, n is not looked at; a source that can hold
    accepted samples back makes mini-batches of them.
    Scores that are not finite: all are accepted with chance 1 / (beta + 1), and `fallback` says so.
    Source: Jiang et al. 2019 (Selective-Backprop), section 3, and the authors' code.
    """

    uses_scores = True
    accepts_signed = True
    known_probabilities = False
    variable_size = True

    def __init__(self, beta: float = 3.0, history: int = 1024) -> None:
        self.beta = require_number("selector.beta", beta, 0.0, 1e3)
        require(
            isinstance(history, int) and history >= 1,
            f"selector.history={history!r} must be a whole number of scores, 1 or more",
        )
        self.history = history
        self._recent: Tensor | None = None  # [<= history] float64, oldest first

    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection:
        """scores: [K] float. Returns distinct indices, in order."""
        exact = scores.double()
        usable, fallback = uniform_if_unusable(exact, exact.sum(), -math.inf)
        known = usable[:0] if self._recent is None else self._recent
        recent = torch.cat([known, usable])[-self.history :]
        chances = acceptance(usable, recent, self.beta)
        if fallback:  # reading it costs nothing: how many are accepted must be known anyway
            chances = torch.full_like(chances, 1 / (self.beta + 1))
        else:
            self._recent = recent
        u = torch.rand(exact.shape, dtype=exact.dtype, device=exact.device, generator=generator)
        return Selection(torch.nonzero(u < chances).squeeze(1), None, fallback)

    def state_dict(self) -> dict[str, Any]:
        return {"recent": self._recent}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._recent = state["recent"]
