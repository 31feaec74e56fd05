"""One optimisation step: section 4 of the paper."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer

from cdfis_bench.core.streams import Streams
from cdfis_bench.core.types import Batch, Selection
from cdfis_bench.engine.cost import CostMeter
from cdfis_bench.engine.method import Method


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one step did, for usage counts, thresholds and figures."""

    mean_loss: float  # unweighted, before the update: comparable between methods
    candidates: Batch  # [K], or [N] while the gate is closed
    selection: Selection | None  # None while all candidates are trained on
    logits: Tensor  # [N, C], before the update

    def chosen_rows(self) -> Tensor:
        """Rows of the training set that were trained on: [N] int64."""
        rows = self.candidates.index
        return rows if self.selection is None else rows.index_select(0, self.selection.indices)


def train_step(
    model: nn.Module,
    optimizer: Optimizer,
    method: Method,
    n: int,
    streams: Streams,
    cost: CostMeter,
) -> StepReport:
    """Scores K candidates, keeps n of them, updates the model.

    While the gate is closed it trains on the next n samples. Source: Knutsson et al. 2023, sections
    4.1 and 4.2.
    """
    selecting = method.threshold.open and method.selector.uses_scores
    with cost("load"):
        candidates = method.source.next(selecting, streams.order)  # [K], or [N] while closed

    if selecting:
        with cost("score"):
            scores = method.score(model, candidates)  # [K]
        with cost("select"):
            selection = method.selector(scores, n, streams.select)
            weights = method.weighting(selection, len(candidates))  # [N]
            x = candidates.x.index_select(0, selection.indices)  # [N, *D]
            y = candidates.y.index_select(0, selection.indices)  # [N]
        cost.count_scored(len(candidates), method.metric.backward_passes)
    else:
        selection, weights, x, y = None, None, candidates.x, candidates.y

    with cost("update"):
        logits = model(x)  # [N, C]
        if weights is None:
            loss = mean_loss = cross_entropy(logits, y)
        else:
            losses = cross_entropy(logits, y, reduction="none")  # [N]
            loss, mean_loss = (weights * losses).mean(), losses.mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    cost.samples_loaded += len(candidates)
    cost.count_trained(n)
    return StepReport(mean_loss.item(), candidates, selection, logits.detach())
