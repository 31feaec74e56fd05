"""CDF sampling: the paper's method. Hard samples are likely, easy ones stay possible."""

import math

import torch
from torch import Tensor

from cdfis_bench.core.errors import require_bool, require_choice, require_number
from cdfis_bench.core.parts import IndependentSelector
from cdfis_bench.selectors.usable import uniform_if_unusable


def empirical_cdf(scores: Tensor) -> Tensor:
    """F(s_i) = share of the K scores that are <= s_i: [K], float64, in (0, 1].

    Equal scores have equal values.
    """
    k = scores.shape[0]
    return torch.searchsorted(scores.sort().values, scores, right=True).to(torch.float64) / k


class CdfSelector(IndependentSelector):
    """Draws n of the K candidates in proportion to their scores, unweighted.

    Scores that are not finite, or (form "mass") all zero: that step draws uniformly, and
    `Selection.fallback` is true.

    Source: Knutsson et al. 2023, section 4.1; smoothing as in the library of Katharopoulos and
    Fleuret 2018, but by the mean of the scores at hand.
    """

    def __init__(
        self,
        form: str = "mass",
        replacement: bool = True,
        smoothing: float = 0.0,
        power: float = 1.0,
    ) -> None:
        """Makes the selector.

        Args:
            form: "mass": p_i = s_i / sum s, as in the authors' code. "rank": p_i proportional to
                the empirical CDF F(s_i) = rank_i / K, the literal reading of the text, which does
                not depend on the scale of the scores.
            replacement: True for independent draws, which may repeat (the authors' code); false for
                successive, distinct ones.
            smoothing: Times the mean, added to every unnormalized probability; 0 adds nothing, a
                large number makes the distribution uniform.
            power: Of the result, in [0, 1]; 0 makes the distribution uniform.
        """
        self.form = require_choice("selector.form", form, ("mass", "rank"))
        self.replacement = require_bool("selector.replacement", replacement)
        self.smoothing = require_number("selector.smoothing", smoothing, 0.0, 1e6)
        self.power = require_number("selector.power", power, 0.0, 1.0)
        self.accepts_negative_scores = form == "rank"

    def unnormalized_probabilities(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """The scores, or their ranks, smoothed: [K] float64, and whether they were unusable."""
        exact = scores.double()
        unnormalized = exact if self.form == "mass" else empirical_cdf(scores)
        if self.smoothing:
            unnormalized = unnormalized + self.smoothing * unnormalized.mean()
        if self.power != 1:
            unnormalized = unnormalized.pow(self.power)
        low = 0.0 if self.form == "mass" else -math.inf
        return uniform_if_unusable(unnormalized, exact.sum(), low)
