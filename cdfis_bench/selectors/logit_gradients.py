"""What a training step showed of each sample's gradient, for selectors that learn from it."""

from torch import Tensor

from cdfis_bench.core.types import Feedback


def logit_gradients(feedback: Feedback) -> Tensor:
    """Loss gradients at the logits, softmax(z) - onehot(y): [N, C] float64.

    Their norms stand for the gradient norms of the samples, at no extra cost.
    """
    labels = feedback.batch.y.unsqueeze(1)
    gradients = feedback.logits.double().softmax(1)
    # Not q_y - 1, which rounds to 0 for samples that are fitted well.
    gradients = gradients.scatter(1, labels, 0.0)
    return gradients.scatter(1, labels, -gradients.sum(1, keepdim=True))
