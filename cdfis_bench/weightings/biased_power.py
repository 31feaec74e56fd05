"""A power of the unbiased weights, between unbiased and unweighted."""

from torch import Tensor

from cdfis_bench.core.errors import require_number
from cdfis_bench.core.parts import Weighting
from cdfis_bench.core.types import Selection
from cdfis_bench.weightings.unbiased import known_probabilities


class BiasedPowerWeighting(Weighting):
    """w_i^power with w_i = 1 / (K p_i), scaled so that the sum of weight x p_i is unchanged.

    For independent draws with known probabilities only, as weighting=unbiased.

    Source: the library of Katharopoulos and Fleuret, which has scores in place of p; the same where
    probabilities are proportional to scores.
    """

    needs_probabilities = True

    def __init__(self, power: float = 0.5) -> None:
        """Makes the weighting.

        Args:
            power: 1: unbiased. 0: no weights, up to the common factor N / (K sum p_i). Below 0 it
                prefers likely samples even more, towards the highest loss.
        """
        self.power = require_number("weighting.power", power, -100.0, 1.0)

    def __call__(self, selection: Selection, k: int) -> Tensor:
        """Returns [N], float32, for a selection from k candidates."""
        probabilities = known_probabilities(selection, "biased_power")
        powers = (k * probabilities).pow(-self.power)
        scale = len(probabilities) / k / (powers * probabilities).sum()
        return (powers * scale).float()
