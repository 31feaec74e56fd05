"""The loss weights that the selector gives."""

from torch import Tensor

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.parts import Weighting
from cdfis_bench.core.types import Selection


class PerSampleWeighting(Weighting):
    """The weight that the selector gave each selected sample (InfoBatch: 1 or |W| / kept).

    Selectors that give no weights are refused when the run is built.
    """

    needs_loss_weights = True

    def __call__(self, selection: Selection, k: int) -> Tensor:
        """Returns [N], float32. Raises UserError without weights."""
        if selection.loss_weights is None:
            raise UserError(
                "weighting=per_sample needs weights from the selector, which this one does not "
                "give; use selector=mean_cut or weighting=none"
            )
        return selection.loss_weights
