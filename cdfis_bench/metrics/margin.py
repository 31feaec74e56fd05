"""The margin: by how much the best wrong class is more likely than the right one."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cdfis_bench.core.errors import require
from cdfis_bench.core.logits import logits_of, widened
from cdfis_bench.core.types import Batch


class Margin:
    """max over j != y of q_j, minus q_y, q = softmax(z): in [-1, 1], above 0 where misclassified.

    Signed: for selectors that rank. Paul et al. leave open whether the others are summed or their
    largest is taken; here the largest, which is 0 exactly on the decision boundary.
    Source: the margin score of Paul et al. 2021 (data diet), turned so that hard is high.
    """

    signed = True
    forward_passes = 1
    backward_passes = 0

    def check(self, model: nn.Module) -> None:
        """Any classifier of two classes or more; how many there are shows in use."""

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """Scores [K] float32 (float64 for a float64 network), no graph.

        Raises UserError if the network does not return logits [K, C], C >= 2.
        """
        with torch.no_grad():
            return self.of_logits(logits_of(model, batch.x), batch.y)

    def of_logits(self, logits: Tensor, y: Tensor) -> Tensor:
        """The same from logits [K, C] that are there already."""
        require(
            logits.shape[1] >= 2,
            "metric=margin compares classes, but the network gives one logit per sample; use two "
            "classes or more",
        )
        true_class = y.unsqueeze(1)
        shares = F.softmax(widened(logits), dim=1)
        others = shares.scatter(1, true_class, -1.0).amax(1)
        return others - shares.gather(1, true_class).squeeze(1)
