"""The gradient norm at the logits: a bound on the full gradient norm for one forward pass."""

import torch
from torch import Tensor, nn

from cdfis_bench.core.logits import logits_of, loss_gradients
from cdfis_bench.core.types import Batch


class GradNormBound:
    """||softmax(z) - onehot(y)||_2, in [0, sqrt 2]: the loss gradient at the last pre-activation.

    For softmax cross-entropy the same number as EL2N (Paul et al. 2021). Times a constant of the
    network it bounds the norm of the full gradient. With two classes it ranks like the loss does.
    Source: Katharopoulos and Fleuret 2018, section 3.2.
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
        """The same from logits [K, C] that are there already."""
        return torch.linalg.vector_norm(loss_gradients(logits, y), dim=1)
