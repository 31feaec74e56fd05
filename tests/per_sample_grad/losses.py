"""Per-sample losses as users write them; of one sample, they are scalars of shape [1]."""

import torch
from torch import Tensor
from torch.nn import functional as F


def mse(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - targets).square().flatten(1).mean(1)


def bce_with_logits(outputs: Tensor, targets: Tensor) -> Tensor:
    losses = F.binary_cross_entropy_with_logits(outputs, targets, reduction="none")
    return losses.flatten(1).sum(1)


def label_smoothing(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(outputs, targets, label_smoothing=0.1, reduction="none")


def focal(outputs: Tensor, targets: Tensor) -> Tensor:
    """Lin et al. 2017 (arXiv 1708.02002), equation 4, with gamma = 2."""
    log_p = outputs.log_softmax(1).gather(1, targets.unsqueeze(1)).squeeze(1)
    return -(1 - log_p.exp()).square() * log_p


def every_position(outputs: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of every position of outputs [K, C, *T], targets [K, *T], averaged."""
    return F.cross_entropy(outputs, targets, reduction="none").flatten(1).mean(1)


CLASSIFICATION = {"label_smoothing": label_smoothing, "focal": focal}
REGRESSION = {"mse": mse, "bce_with_logits": bce_with_logits}


def made_targets(outputs: Tensor, generator: torch.Generator) -> Tensor:
    """Targets in 0..1 in the shape of the outputs."""
    return torch.rand(outputs.shape, generator=generator, dtype=torch.float64).to(outputs.dtype)
