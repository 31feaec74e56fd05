"""The entropy of the prediction: how uncertain the network is, whatever the label."""

from torch import Tensor
from torch.nn import functional as F

from cdfis_bench.core.logits import widened
from cdfis_bench.core.parts import LogitMetric


class Entropy(LogitMetric):
    """-sum_j q_j ln q_j with q = softmax(z), in nats: in [0, ln C]. Labels are ignored.

    Unlike with the loss, a mislabelled sample that the network is certain about scores low.

    Source: Shannon 1948; as an importance in Settles 2009 (uncertainty sampling).
    """

    def from_logits(self, logits: Tensor, y: Tensor) -> Tensor:
        """Entropies [K] from logits [K, C]; y is ignored."""
        logarithms = F.log_softmax(widened(logits), dim=1)
        # 0 x -inf of an impossible class.
        return -(logarithms.exp() * logarithms).nan_to_num(nan=0.0).sum(1)
