"""The loss of each candidate: the paper's cheapest measure of importance."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cdfis_bench.core.logits import logits_of, widened
from cdfis_bench.core.types import Batch


class Loss:
    """Softmax cross-entropy per sample, in nats. One forward pass, in the mode the network is in.

    Source: Knutsson et al. 2023, section 3 ("Loss Sampling").
    """

    signed = False
    forward_passes = 1
    backward_passes = 0

    def check(self, model: nn.Module) -> None:
        """Any classifier will do."""

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """Scores [K] float32 >= 0 (float64 for a float64 network), no graph.

        Raises UserError if the network does not return logits [K, C].
        """
        with torch.no_grad():
            return self.of_logits(logits_of(model, batch.x), batch.y)

    def of_logits(self, logits: Tensor, y: Tensor) -> Tensor:
        """The same from logits [K, C] that are there already."""
        return F.cross_entropy(widened(logits), y, reduction="none")
