"""Weights that make a selection without replacement unbiased."""

from torch import Tensor

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.parts import Weighting
from cdfis_bench.core.types import Selection


class HorvitzThompsonWeighting(Weighting):
    """w_i = N / (K pi_i), with the inclusion probability pi_i of candidate i.

    The mean of w_i L_i over the selected has the mean loss of the K candidates as its expectation,
    but for candidates with pi_i = 0 (score 0) and a positive loss, which are never included.
    Selectors without exact inclusion probabilities are refused when the run is built.

    Source: Horvitz and Thompson 1952.
    """

    needs_inclusion_probabilities = True

    def __call__(self, selection: Selection, k: int) -> Tensor:
        """Returns [N], float32, for a selection from k candidates.

        Raises:
            UserError: If the selection has no inclusion probabilities.
        """
        if selection.inclusion_probabilities is None:
            raise UserError(
                "weighting=horvitz_thompson needs inclusion probabilities, which this selector "
                "does not give; use selector=systematic or weighting=none"
            )
        inclusion = selection.inclusion_probabilities.index_select(0, selection.indices)
        return (len(inclusion) / (k * inclusion)).float()
