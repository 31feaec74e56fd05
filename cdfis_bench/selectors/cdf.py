"""CDF sampling: the paper's method. Hard samples are likely, easy ones stay possible."""

import math

import torch
from torch import Generator, Tensor

from cdfis_bench.core.errors import require_bool, require_choice, require_number
from cdfis_bench.core.types import Selection
from cdfis_bench.selectors.usable import uniform_if_unusable


def draw_by_mass(masses: Tensor, n: int, generator: Generator) -> Tensor:
    """Indices [n] int64 drawn with replacement, with probability proportional to `masses`.

    masses: [K] float64, finite, >= 0, not all zero. A mass of zero is never drawn.
    multinomial inverts the cumulative distribution in the precision of its input: in float32 the
    sum would round small masses away (1 in 27 of 1,024 skewed ones). Nothing is sorted first: the
    order changes nothing in the distribution.
    Source: Knutsson et al. 2023, section 4.1.
    """
    return masses.multinomial(n, replacement=True, generator=generator)


def draw_distinct_by_mass(masses: Tensor, n: int, generator: Generator) -> Tensor:
    """Indices [n] int64, distinct, drawn one by one in proportion to the masses that are left.

    masses: [K] float64, finite, >= 0; n <= K. Zero masses come last, among themselves in random
    order.
    """
    return draw_distinct_by_log_mass(masses.log(), n, generator)


def draw_distinct_by_log_mass(logarithms: Tensor, n: int, generator: Generator) -> Tensor:
    """The same by the logarithms of the masses: [K] float64, at least -1e6 or -infinity (mass 0).

    Exponential race: the n smallest of E_i / mass_i, E_i ~ Exp(1) (Efraimidis and Spirakis 2006),
    in logarithms.
    """
    race = torch.empty_like(logarithms).exponential_(generator=generator).log_() - logarithms
    # Behind every positive mass.
    late = 2e6 + torch.rand(race.shape, dtype=race.dtype, device=race.device, generator=generator)
    return torch.where(logarithms > -torch.inf, race, late).topk(n, largest=False).indices


def rank_masses(scores: Tensor) -> Tensor:
    """F(s_i) = share of the K scores that are <= s_i: [K] float64 in (0, 1].

    Equal scores get equal masses.
    """
    k = scores.shape[0]
    return torch.searchsorted(scores.sort().values, scores, right=True).to(torch.float64) / k


class CdfSelector:
    """n of the K candidates, drawn in proportion to a mass made of their scores, unweighted.

    form "mass": p_i = s_i / sum s (what the authors' code does). form "rank": p_i proportional to
    the empirical CDF F(s_i) = rank_i / K (the literal reading of the text; indifferent to the scale
    of the scores).
    replacement: draws are independent and may repeat (the authors' code), or successive and
    distinct. smoothing, power: (mass + smoothing x mean mass)^power, between the form's own law
    (0 and 1) and the uniform one (large, or 0). Scores that are not finite, or (form mass) all
    zero: that step is drawn uniformly and says so in `fallback`.
    Source: Knutsson et al. 2023, section 4.1; smoothing as in the library of Katharopoulos and
    Fleuret 2018, but by the mean of the scores at hand.
    """

    uses_scores = True

    def __init__(
        self,
        form: str = "mass",
        replacement: bool = True,
        smoothing: float = 0.0,
        power: float = 1.0,
    ) -> None:
        self.form = require_choice("selector.form", form, ("mass", "rank"))
        self.replacement = require_bool("selector.replacement", replacement)
        self.smoothing = require_number("selector.smoothing", smoothing, 0.0, 1e6)
        self.power = require_number("selector.power", power, 0.0, 1.0)
        self.accepts_signed = form == "rank"
        self.known_probabilities = replacement

    def masses(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """(masses [K] float64 of one draw, fallback [] bool) of scores [K]."""
        exact = scores.double()
        masses = exact if self.form == "mass" else rank_masses(scores)
        if self.smoothing:
            masses = masses + self.smoothing * masses.mean()
        if self.power != 1:
            masses = masses.pow(self.power)
        low = 0.0 if self.form == "mass" else -math.inf
        return uniform_if_unusable(masses, exact.sum(), low)

    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection:
        """scores: [K] float, >= 0 for form mass. Returns exactly n indices."""
        masses, fallback = self.masses(scores)
        if not self.replacement:
            return Selection(draw_distinct_by_mass(masses, n, generator), None, fallback)
        return Selection(draw_by_mass(masses, n, generator), masses, fallback)
