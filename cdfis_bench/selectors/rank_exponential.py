"""Drawing by exponentially decaying ranks: online batch selection of Loshchilov and Hutter."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from cdfis_bench.core.errors import require_number
from cdfis_bench.core.parts import IndependentSelector
from cdfis_bench.core.types import StepEnd
from cdfis_bench.selectors.ranks import ranks
from cdfis_bench.selectors.usable import uniform_if_unusable


def exponential_probabilities(scores: Tensor, pressure: float) -> Tensor:
    """exp(-ln(pressure) / K x places from the top): [K], float64, unnormalized, 1 for the highest.

    The highest score is pressure^((K - 1) / K) times as likely as the lowest. In logarithms, since
    pressures of 1e8 and more would underflow as powers.
    """
    k = scores.shape[0]
    return ranks(scores).sub_(k).mul_(math.log(pressure) / k).exp_()


def draw_places(k: int, pressure: float, n: int, generator: Generator) -> Tensor:
    """Places from the top [n], int64, 0..K-1, of the same distribution without equal scores.

    O(n) whatever K is, by inverting the geometric distribution: for callers that keep a sorted
    order.
    """
    u = torch.rand(n, dtype=torch.float64, device=generator.device, generator=generator)
    decay = math.log(pressure) / k  # of ln p from one place to the next
    if decay == 0:
        return (u * k).long()
    places = torch.log1p(u * math.expm1(-decay * k)) / -decay
    return places.long().clamp_(max=k - 1)  # u next to 1 may round up to K


class RankExponentialSelector(IndependentSelector):
    """Draws with replacement; probabilities fall exponentially with the rank.

    Equal scores share their mean rank. Scores that are not finite: that step draws uniformly, and
    `Selection.fallback` is true.

    Source: Loshchilov and Hutter 2015, equations 1-3; the default numbers are ours.
    """

    accepts_negative_scores = True

    def __init__(self, pressure: float, end_pressure: float | None = None) -> None:
        """Makes the selector.

        Args:
            pressure: How much likelier the highest score is than the lowest; 1 is uniform.
            end_pressure: Its value at the end of the budget, reached geometrically; None keeps it
                constant.
        """
        self._start = require_number("selector.pressure", pressure, 1.0, 1e300)
        self._end = (
            self._start
            if end_pressure is None
            else require_number("selector.end_pressure", end_pressure, 1.0, 1e300)
        )
        self.pressure = self._start  # at present

    def on_step_end(self, step_end: StepEnd) -> None:
        """Follows the budget."""
        self.pressure = self._start * (self._end / self._start) ** min(step_end.progress, 1.0)

    def unnormalized_probabilities(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Falls exponentially with the rank: [K] float64, and whether the scores were unusable."""
        usable, fallback = uniform_if_unusable(scores, scores.sum(dtype=torch.float64), -math.inf)
        return exponential_probabilities(usable, self.pressure), fallback

    def state_dict(self) -> dict[str, Any]:
        """The present pressure."""
        return {"pressure": self.pressure}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues with the stored pressure."""
        self.pressure = state["pressure"]
