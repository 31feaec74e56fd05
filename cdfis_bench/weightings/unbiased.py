"""Importance weights that undo the bias of the selection."""

from torch import Tensor

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.types import Selection


def known_chances(selection: Selection, name: str) -> Tensor:
    """Of the selected in one draw, [N] float64. Raises UserError if the selection has none."""
    chances = selection.chances
    if chances is None:
        raise UserError(
            f"weighting={name} needs draw probabilities, which this selector does not know; use "
            "weighting=none"
        )
    return chances


class UnbiasedWeighting:
    """w_i = 1 / (K p_i): the mean of w_i L_i over the drawn has the mean loss of the K candidates
    as expectation. With source=dataset the candidates are the whole training set: 1 / (n p_i).

    Holds for independent draws with known probabilities only; other selectors are refused when the
    run is built. The mean divides by N, not by the sum of the weights (which would be biased
    again).
    Source: Katharopoulos and Fleuret 2018, equation 6.
    """

    needs_probabilities = True

    def __call__(self, selection: Selection, k: int) -> Tensor:
        """k: number of candidates. Returns [N] float32. Raises UserError if the selection has no
        probabilities.
        """
        return (k * known_chances(selection, "unbiased")).reciprocal().float()
