"""No weights: the paper's choice."""

from cdfis_bench.core.parts import Weighting
from cdfis_bench.core.types import Selection


class NoWeighting(Weighting):
    """All selected samples weigh the same: the loss is biased towards what the selector prefers."""

    def __call__(self, selection: Selection, k: int) -> None:
        """Returns None, which stands for ones [N]."""
