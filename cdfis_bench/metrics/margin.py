"""The margin: how much likelier the best wrong class is than the true one."""

from torch import Tensor
from torch.nn import functional as F

from cdfis_bench.core.errors import require
from cdfis_bench.core.logits import widened
from cdfis_bench.core.parts import LogitMetric


class Margin(LogitMetric):
    """max_(j != y) q_j - q_y with q = softmax(z): in [-1, 1], above 0 where misclassified.

    It can be negative: for selectors that rank. Paul et al. leave open whether the other classes
    are summed or their largest is taken; the largest is 0 exactly on the decision boundary.

    Source: the margin score of Paul et al. 2021 (data diet), with the sign that makes hard high.
    """

    can_be_negative = True

    def from_logits(self, logits: Tensor, y: Tensor) -> Tensor:
        """Margins [K] from logits [K, C], C >= 2. Raises UserError for one class."""
        require(
            logits.shape[1] >= 2,
            "metric=margin compares classes, but the network gives one logit per sample; use two "
            "classes or more",
        )
        true_class = y.unsqueeze(1)
        shares = F.softmax(widened(logits), dim=1)
        others = shares.scatter(1, true_class, -1.0).amax(1)
        return others - shares.gather(1, true_class).squeeze(1)
