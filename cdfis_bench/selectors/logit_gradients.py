"""Per-sample gradients at the logits, for selectors that learn from training steps."""

from torch import Tensor


def logit_gradients(logits: Tensor, y: Tensor) -> Tensor:
    """Loss gradients at the logits, softmax(z) - onehot(y): [N, C], float64.

    Their norms approximate the gradient norms of the samples at no extra cost.

    Args:
        logits: [N, C].
        y: Labels [N], int64.
    """
    labels = y.unsqueeze(1)
    gradients = logits.double().softmax(1)
    # Not q_y - 1, which rounds to 0 for well-fitted samples.
    gradients = gradients.scatter(1, labels, 0.0)
    return gradients.scatter(1, labels, -gradients.sum(1, keepdim=True))
