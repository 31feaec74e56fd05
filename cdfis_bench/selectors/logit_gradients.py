"""What a training step showed of each sample's gradient, for selectors that learn from it."""

from torch import Tensor


def logit_gradients(logits: Tensor, y: Tensor) -> Tensor:
    """Loss gradients at the logits, softmax(z) - onehot(y): [N, C] float64.

    logits: [N, C]; y: [N] int64. The norms stand for the gradient norms of the samples, at no extra
    cost.
    """
    labels = y.unsqueeze(1)
    gradients = logits.double().softmax(1)
    # Not q_y - 1, which rounds to 0 for samples that are fitted well.
    gradients = gradients.scatter(1, labels, 0.0)
    return gradients.scatter(1, labels, -gradients.sum(1, keepdim=True))
