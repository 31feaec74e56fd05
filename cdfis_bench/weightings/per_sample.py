"""Weights that the selector brings along."""

from torch import Tensor

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.types import Selection


class PerSampleWeighting:
    """Each selected sample's own weight, as its selector gave it (InfoBatch: 1 or |W| / kept).

    For selectors that give weights; others are refused when the run is built.
    """

    needs_probabilities = False
    needs_weights = True

    def __call__(self, selection: Selection, k: int) -> Tensor:
        """Returns [N] float32. Raises UserError without weights."""
        if selection.weights is None:
            raise UserError(
                "weighting=per_sample needs weights from the selector, which this one does not "
                "give; use selector=mean_cut or weighting=none"
            )
        return selection.weights
