"""The gradient norm at the logits, which bounds the full gradient norm."""

import torch
from torch import Tensor

from cdfis_bench.core.logits import loss_gradients
from cdfis_bench.core.parts import LogitMetric


class GradNormBound(LogitMetric):
    """||softmax(z) - onehot(y)||_2, in [0, sqrt 2]: the loss gradient at the last pre-activation.

    For softmax cross-entropy it equals EL2N (Paul et al. 2021). Times a constant of the network, it
    bounds the norm of the full gradient. With two classes it ranks samples as the loss does.

    Source: Katharopoulos and Fleuret 2018, section 3.2.
    """

    def from_logits(self, logits: Tensor, y: Tensor) -> Tensor:
        """Norms [K] from logits [K, C]."""
        return torch.linalg.vector_norm(loss_gradients(logits, y), dim=1)
