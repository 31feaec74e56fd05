"""Drawing by a power of the percentile: Selective-Backprop in a fixed number of samples."""

import math

import torch
from torch import Generator, Tensor

from cdfis_bench.core.errors import require, require_bool, require_number
from cdfis_bench.core.types import Selection
from cdfis_bench.selectors.cdf import draw_by_mass, draw_distinct_by_mass
from cdfis_bench.selectors.ranks import ranks
from cdfis_bench.selectors.usable import uniform_if_unusable


def percentile_masses(scores: Tensor, power: float, offset: float) -> Tensor:
    """((rank_i - offset) / K)^power, [K] float64; rank 1 is the lowest score."""
    return ((ranks(scores) - offset) / scores.shape[0]).pow(power)


class RankPowerSelector:
    """n of K, with chances proportional to ((rank - offset) / K)^power: blind to the scores' scale.

    power None: K / n - 1, as in Composer, whose `keep` is n / K; without replacement only, because
    the law then depends on n. offset 0.5 takes the middle of each rank (Composer), 0 its end (power
    1 is then selector.form=rank of cdf). Equal scores share their mean rank (Composer: order of the
    sort). Scores that are not finite: that step is drawn uniformly and says so in `fallback`.
    Source: MosaicML Composer, selective_backprop, after Jiang et al. 2019.
    """

    uses_scores = True
    accepts_signed = True

    def __init__(
        self, power: float | None = None, offset: float = 0.5, replacement: bool = False
    ) -> None:
        self.power = None if power is None else require_number("selector.power", power, 0.0, 1e3)
        self.offset = require_number("selector.offset", offset, 0.0, 0.999)
        self.replacement = require_bool("selector.replacement", replacement)
        require(
            not replacement or power is not None,
            "selector.power=null depends on how many are drawn, so that selector.replacement=true "
            "has no fixed probabilities; give selector.power a number",
        )
        self.known_probabilities = replacement

    def masses(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """(masses [K] float64 of one draw, fallback [] bool) of scores [K]; power is a number."""
        assert self.power is not None
        return self._masses(scores, self.power)

    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection:
        """scores: [K] float. Returns exactly n indices."""
        power = scores.shape[0] / n - 1 if self.power is None else self.power
        masses, fallback = self._masses(scores, power)
        if not self.replacement:
            return Selection(draw_distinct_by_mass(masses, n, generator), None, fallback)
        return Selection(draw_by_mass(masses, n, generator), masses, fallback)

    def _masses(self, scores: Tensor, power: float) -> tuple[Tensor, Tensor]:
        usable, fallback = uniform_if_unusable(scores, scores.sum(dtype=torch.float64), -math.inf)
        # Of equal scores, as after a fallback, the masses are equal.
        return percentile_masses(usable, power, self.offset), fallback
