"""The entropy of the prediction: how undecided the network is, whatever the label says."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cdfis_bench.core.logits import logits_of, widened
from cdfis_bench.core.types import Batch


class Entropy:
    """-sum_j q_j ln q_j, q = softmax(z), in nats: in [0, ln C]. Looks at no label.

    A mislabelled sample that the network is sure about scores low, unlike with the loss.
    Source: Shannon 1948; as an importance in Settles 2009 (uncertainty sampling).
    """

    signed = False
    forward_passes = 1
    backward_passes = 0

    def check(self, model: nn.Module) -> None:
        """Any classifier will do."""

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """Scores [K] float32 (float64 for a float64 network), no graph.

        Raises UserError if the network does not return logits [K, C].
        """
        with torch.no_grad():
            return self.of_logits(logits_of(model, batch.x), batch.y)

    def of_logits(self, logits: Tensor, y: Tensor) -> Tensor:
        """The same from logits [K, C] that are there already; y is not looked at."""
        logarithms = F.log_softmax(widened(logits), dim=1)
        # Of a class that is ruled out: 0 x -inf.
        return -(logarithms.exp() * logarithms).nan_to_num(nan=0.0).sum(1)
