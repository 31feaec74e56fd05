"""Importance weights that make independent draws unbiased."""

from torch import Tensor

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.parts import Weighting
from cdfis_bench.core.types import Selection


def known_probabilities(selection: Selection, name: str) -> Tensor:
    """Draw probabilities of the selected [N], float64.

    Raises:
        UserError: If the selection has none; `name` is the weighting that needs them.
    """
    probabilities = selection.selected_probabilities
    if probabilities is None:
        raise UserError(
            f"weighting={name} needs draw probabilities, which this selector does not give; use "
            "weighting=none"
        )
    return probabilities


class UnbiasedWeighting(Weighting):
    """w_i = 1 / (K p_i): the expected mean of w_i L_i is the mean loss of the K candidates.

    With source=dataset the candidates are the whole training set: 1 / (n p_i). This holds for
    independent draws with known probabilities only; other selectors are refused when the run is
    built. The mean divides by N, not by the sum of the weights, which would be biased again.

    Source: Katharopoulos and Fleuret 2018, equation 6.
    """

    needs_probabilities = True

    def __call__(self, selection: Selection, k: int) -> Tensor:
        """Returns [N], float32, for a selection from k candidates.

        Raises:
            UserError: If the selection has no probabilities.
        """
        return (k * known_probabilities(selection, "unbiased")).reciprocal().float()
