"""No metric, for selectors that keep a sampling distribution of their own."""

from torch import Tensor, nn

from cdfis_bench.core.parts import Metric
from cdfis_bench.core.types import Batch


class NoMetric(Metric):
    """Scores nothing. Selectors that use scores are refused when the run is built."""

    forward_passes = 0

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """Raises NotImplementedError: there is nothing to score with."""
        raise NotImplementedError("metric=none gives no scores")
