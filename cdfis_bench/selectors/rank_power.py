"""Drawing by a power of the percentile: Selective-Backprop with a fixed mini-batch size."""

import math

import torch
from torch import Generator, Tensor

from cdfis_bench.core.draws import draw_distinct
from cdfis_bench.core.errors import require, require_bool, require_number
from cdfis_bench.core.parts import IndependentSelector
from cdfis_bench.core.types import Selection
from cdfis_bench.selectors.ranks import ranks
from cdfis_bench.selectors.usable import uniform_if_unusable


def percentile_probabilities(scores: Tensor, power: float, offset: float) -> Tensor:
    """((rank_i - offset) / K)^power: [K], float64, unnormalized; rank 1 is the lowest score."""
    return ((ranks(scores) - offset) / scores.shape[0]).pow(power)


class RankPowerSelector(IndependentSelector):
    """Draws in proportion to ((rank - offset) / K)^power, which ignores the scale of the scores.

    Equal scores share their mean rank (Composer: the order of the sort). Scores that are not
    finite: that step draws uniformly, and `Selection.fallback` is true.

    Source: MosaicML Composer, selective_backprop, after Jiang et al. 2019.
    """

    accepts_negative_scores = True

    def __init__(
        self, power: float | None = None, offset: float = 0.5, replacement: bool = False
    ) -> None:
        """Makes the selector.

        Args:
            power: Of the percentile. None for K / n - 1, as in Composer, whose `keep` is n / K;
                without replacement only, because the distribution then depends on n.
            offset: 0.5 takes the middle of each rank (Composer), 0 its end (power 1 is then
                selector=cdf with form "rank").
            replacement: Whether draws are independent and may repeat.
        """
        self.power = None if power is None else require_number("selector.power", power, 0.0, 1e3)
        self.offset = require_number("selector.offset", offset, 0.0, 0.999)
        self.replacement = require_bool("selector.replacement", replacement)
        require(
            not replacement or power is not None,
            "selector.power=null depends on how many are drawn, so that selector.replacement=true "
            "has no fixed probabilities; give selector.power a number",
        )

    def unnormalized_probabilities(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """The powers of the percentiles: [K] float64, and whether the scores were unusable.

        Raises:
            UserError: If `power` is None.
        """
        require(self.power is not None, "selector.power=null has no fixed probabilities")
        assert self.power is not None
        return self._powers(scores, self.power)

    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection:
        """Returns exactly n of the candidates with `scores` [K]."""
        if self.power is not None:
            return super().__call__(scores, n, generator)
        unnormalized, fallback = self._powers(scores, scores.shape[0] / n - 1)
        return Selection(draw_distinct(unnormalized, n, generator), None, fallback)

    def _powers(self, scores: Tensor, power: float) -> tuple[Tensor, Tensor]:
        usable, fallback = uniform_if_unusable(scores, scores.sum(dtype=torch.float64), -math.inf)
        # Of equal scores, as after a fallback, the probabilities are equal.
        return percentile_probabilities(usable, power, self.offset), fallback
