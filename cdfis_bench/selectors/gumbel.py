"""Distinct samples, likelier the higher they score: Gumbel-top-n."""

import math

from torch import Generator, Tensor

from cdfis_bench.core.errors import require_choice, require_number
from cdfis_bench.core.types import Selection
from cdfis_bench.selectors.cdf import draw_distinct_by_log_mass
from cdfis_bench.selectors.usable import uniform_if_unusable


class GumbelSelector:
    """n of K without replacement: the highest of ln(mass_i) + Gumbel noise.

    form "mass": mass = s^(1 / temperature); at temperature 1 the law of selector=cdf with
    selector.replacement=false. form "exp": mass = exp(s / temperature), a softmax, which takes
    negative scores (the Boltzmann variant of RHO-LOSS has temperature 0.25). Towards temperature 0
    it becomes top-k. Biased, and no chances are known: successive draws depend on each other.
    Scores that are not finite, or (form mass) all zero: uniform, and `fallback` says so.
    Source: Kool et al. 2019; the race is that of Efraimidis and Spirakis 2006.
    """

    uses_scores = True
    known_probabilities = False

    def __init__(self, form: str = "mass", temperature: float = 1.0) -> None:
        self.form = require_choice("selector.form", form, ("mass", "exp"))
        self.temperature = require_number("selector.temperature", temperature, 1e-3, 1e3)
        self.accepts_signed = form == "exp"

    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection:
        """scores: [K] float, >= 0 for form mass. Returns n distinct indices."""
        exact = scores.double()
        low = 0.0 if self.form == "mass" else -math.inf
        usable, fallback = uniform_if_unusable(exact, exact.sum(), low)
        logarithms = usable.log() if self.form == "mass" else usable - usable.max()
        race = draw_distinct_by_log_mass(logarithms / self.temperature, n, generator)
        return Selection(race, None, fallback)
