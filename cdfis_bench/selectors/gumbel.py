"""Gumbel-top-n: distinct samples, likelier the higher they score."""

import math

from torch import Generator, Tensor

from cdfis_bench.core.draws import draw_distinct_by_log
from cdfis_bench.core.errors import require_choice, require_number
from cdfis_bench.core.parts import Selector
from cdfis_bench.core.types import Selection
from cdfis_bench.selectors.usable import uniform_if_unusable


class GumbelSelector(Selector):
    """Selects n of K without replacement: the highest of ln(p_i) + Gumbel noise.

    Biased, and no probabilities are known, because successive draws depend on each other. Scores
    that are not finite, or (form "mass") all zero: that step draws uniformly, and
    `Selection.fallback` is true.

    Source: Kool et al. 2019; the race is that of Efraimidis and Spirakis 2006.
    """

    def __init__(self, form: str = "mass", temperature: float = 1.0) -> None:
        """Makes the selector.

        Args:
            form: "mass": p_i proportional to s_i^(1 / temperature); at temperature 1 the
                distribution of selector=cdf with selector.replacement=false. "exp": p_i
                proportional to exp(s_i / temperature), a softmax, which takes negative scores.
            temperature: Towards 0 the selection becomes top-k. The Boltzmann variant of RHO-LOSS
                has form "exp" and temperature 0.25.
        """
        self.form = require_choice("selector.form", form, ("mass", "exp"))
        self.temperature = require_number("selector.temperature", temperature, 1e-3, 1e3)
        self.accepts_negative_scores = form == "exp"

    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection:
        """Returns n distinct candidates with `scores` [K], >= 0 for form "mass"."""
        exact = scores.double()
        low = 0.0 if self.form == "mass" else -math.inf
        usable, fallback = uniform_if_unusable(exact, exact.sum(), low)
        logarithms = usable.log() if self.form == "mass" else usable - usable.max()
        selected = draw_distinct_by_log(logarithms / self.temperature, n, generator)
        return Selection(selected, fallback=fallback)
