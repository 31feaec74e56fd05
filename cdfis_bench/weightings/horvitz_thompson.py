"""Weights that undo the bias of a selection without replacement."""

from torch import Tensor

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.types import Selection


class HorvitzThompsonWeighting:
    """w_i = N / (K pi_i), pi_i = chance that i is in the mini-batch at all.

    The mean of w_i L_i over the selected has the mean loss of the K candidates as expectation. For
    selectors that know these chances exactly; others are refused when the run is built. Where pi is
    0, as for scores of 0, a candidate must have no loss either, or its part is missing.
    Source: Horvitz and Thompson 1952.
    """

    needs_probabilities = False
    needs_inclusion = True

    def __call__(self, selection: Selection, k: int) -> Tensor:
        """k: number of candidates. Returns [N] float32. Raises UserError without inclusion."""
        if selection.inclusion is None:
            raise UserError(
                "weighting=horvitz_thompson needs the chance of each candidate to be selected, "
                "which this selector does not know; use selector=systematic or weighting=none"
            )
        chances = selection.inclusion.index_select(0, selection.indices)
        return (len(chances) / (k * chances)).float()
