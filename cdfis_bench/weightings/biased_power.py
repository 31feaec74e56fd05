"""From unbiased weights to none, by one number."""

from torch import Tensor

from cdfis_bench.core.errors import require_number
from cdfis_bench.core.types import Selection
from cdfis_bench.weightings.unbiased import known_chances


class BiasedPowerWeighting:
    """w_i^power, w_i = 1 / (K p_i), scaled so that the sum of weight x p_i over the drawn stays.

    power 1: unbiased. 0: as without weights, up to the common factor N / (K sum p_i over the
    drawn). Below 0 it prefers what is likely even more, towards the highest loss.
    Independent draws with known chances only, as for weighting=unbiased.
    Source: the library of Katharopoulos and Fleuret, which has scores for p: the same where chances
    are proportional to scores.
    """

    needs_probabilities = True

    def __init__(self, power: float = 0.5) -> None:
        self.power = require_number("weighting.power", power, -100.0, 1.0)

    def __call__(self, selection: Selection, k: int) -> Tensor:
        """k: number of candidates. Returns [N] float32."""
        chances = known_chances(selection, "biased_power")
        powers = (k * chances).pow(-self.power)
        return (powers * (len(chances) / k / (powers * chances).sum())).float()
