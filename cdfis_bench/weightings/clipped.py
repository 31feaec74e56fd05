"""Importance weights with an upper limit: a little bias for much less variance."""

from torch import Tensor

from cdfis_bench.core.errors import require_number
from cdfis_bench.core.parts import Weighting
from cdfis_bench.core.types import Selection
from cdfis_bench.weightings.unbiased import UnbiasedWeighting


class ClippedWeighting(Weighting):
    """min(1 / (K p_i), most): biased downwards by what is cut off.

    For independent draws with known probabilities only, as weighting=unbiased.

    Source: Ionides 2008, truncated importance sampling.
    """

    needs_probabilities = True

    def __init__(self, most: float = 10.0) -> None:
        """Makes the weighting; most: largest weight, above 0."""
        self.most = require_number("weighting.most", most, 0.0, 1e6, open_low=True)
        self._unbiased = UnbiasedWeighting()

    def __call__(self, selection: Selection, k: int) -> Tensor:
        """Returns [N], float32, for a selection from k candidates."""
        return self._unbiased(selection, k).clamp_(max=self.most)
