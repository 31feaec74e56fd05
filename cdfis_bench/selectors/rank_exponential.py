"""Drawing by exponentially decaying ranks: online batch selection of Loshchilov and Hutter."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from cdfis_bench.core.errors import require_number
from cdfis_bench.core.types import Feedback, Selection
from cdfis_bench.selectors.cdf import draw_by_mass
from cdfis_bench.selectors.ranks import ranks
from cdfis_bench.selectors.usable import uniform_if_unusable


def exponential_masses(scores: Tensor, pressure: float) -> Tensor:
    """exp(-ln(pressure) / K x places from the top), [K] float64, 1 for the highest score.

    The highest is pressure^((K - 1) / K) times as likely as the lowest. In logarithms: pressures of
    1e8 and more would underflow as powers.
    """
    k = scores.shape[0]
    return ranks(scores).sub_(k).mul_(math.log(pressure) / k).exp_()


def draw_places(k: int, pressure: float, n: int, generator: Generator) -> Tensor:
    """[n] int64 places from the top, 0..K-1, of the same law without equal scores.

    O(n) whatever K, by inverting the geometric distribution: for who keeps a sorted order.
    """
    u = torch.rand(n, dtype=torch.float64, device=generator.device, generator=generator)
    decay = math.log(pressure) / k  # of ln p from one place to the next
    if decay == 0:
        return (u * k).long()
    places = torch.log1p(u * math.expm1(-decay * k)) / -decay
    return places.long().clamp_(max=k - 1)  # u next to 1 may round up to K


class RankExponentialSelector:
    """n of K with replacement, chances falling exponentially from the highest score to the lowest.

    pressure: how much likelier the highest is than the lowest, 1 (uniform) and above. end_pressure:
    its value at the end of the budget, reached geometrically; None keeps it constant. Equal scores
    share their mean rank. Scores that are not finite: that step is drawn uniformly and says so.
    Source: Loshchilov and Hutter 2015, equations 1-3; the numbers are ours.
    """

    uses_scores = True
    accepts_signed = True
    known_probabilities = True
    replacement = True

    def __init__(self, pressure: float, end_pressure: float | None = None) -> None:
        self._start = require_number("selector.pressure", pressure, 1.0, 1e300)
        self._end = (
            self._start
            if end_pressure is None
            else require_number("selector.end_pressure", end_pressure, 1.0, 1e300)
        )
        self.pressure = self._start  # now

    def learn(self, feedback: Feedback) -> None:
        """Takes notice of how much of the budget is spent."""
        self.pressure = self._start * (self._end / self._start) ** min(feedback.progress, 1.0)

    def masses(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """(masses [K] float64 of one draw, fallback [] bool) of scores [K]."""
        usable, fallback = uniform_if_unusable(scores, scores.sum(dtype=torch.float64), -math.inf)
        return exponential_masses(usable, self.pressure), fallback

    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection:
        """scores: [K] float. Returns exactly n indices."""
        masses, fallback = self.masses(scores)
        return Selection(draw_by_mass(masses, n, generator), masses, fallback)

    def state_dict(self) -> dict[str, Any]:
        return {"pressure": self.pressure}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.pressure = state["pressure"]
