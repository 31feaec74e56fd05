"""The loss of each candidate: the paper's cheapest importance score."""

from torch import Tensor
from torch.nn import functional as F

from cdfis_bench.core.logits import widened
from cdfis_bench.core.parts import LogitMetric


class Loss(LogitMetric):
    """Softmax cross-entropy per sample, in nats: one forward pass.

    Source: Knutsson et al. 2023, section 3 ("Loss Sampling").
    """

    def from_logits(self, logits: Tensor, y: Tensor) -> Tensor:
        """Losses [K] >= 0 from logits [K, C]."""
        return F.cross_entropy(widened(logits), y, reduction="none")
