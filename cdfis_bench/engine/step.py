"""One optimisation step: section 4 of the paper."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer

from cdfis_bench.core.streams import Streams
from cdfis_bench.core.types import Chosen, Feedback
from cdfis_bench.engine.meters.cost import CostMeter
from cdfis_bench.engine.meters.diagnostics import concentration
from cdfis_bench.engine.method import Method


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one step did, for usage counts, thresholds and figures. Nothing waits for a device."""

    mean_loss: Tensor  # [] unweighted, before the update: comparable between methods
    tau: Tensor | None  # [] concentration of the scores, where the threshold watches it
    chosen: Chosen
    logits: Tensor  # [N, C], before the update


def train_step(
    model: nn.Module,
    optimizer: Optimizer,
    method: Method,
    n: int,
    streams: Streams,
    cost: CostMeter,
    step: int = 0,
    progress: float = 0.0,
) -> StepReport:
    """Scores K candidates, keeps n of them, updates the model.

    While the gate is closed it trains on the next n samples. step, progress: steps
    finished, and share of the budget spent, before.
    Source: Knutsson et al. 2023, sections 4.1 and 4.2.
    """
    chosen = method.choose(model, n, streams, cost, progress)
    batch, learns = chosen.batch, method.learns
    parameters = [p for group in optimizer.param_groups for p in group["params"]]

    with cost("update"):
        logits = model(batch.x)  # [N, C]
        if chosen.weights is None and not learns:
            loss = mean_loss = cross_entropy(logits, batch.y)
        else:
            losses = cross_entropy(logits, batch.y, reduction="none")  # [N]
            mean_loss = losses.mean()
            loss = mean_loss if chosen.weights is None else (chosen.weights * losses).mean()
        for parameter in parameters:  # optimizer.zero_grad takes ten times as long
            parameter.grad = None
        loss.backward()
        optimizer.step()
        logits, mean_loss = logits.detach(), mean_loss.detach()

    tau = None
    if learns or method.threshold.needs_scores:
        with cost("select"):
            if learns:
                method.learn(Feedback(step + 1, progress, batch, logits, losses.detach(), chosen))
            if method.threshold.needs_scores:
                tau = concentration(method.scores_of(chosen, logits))

    cost.samples_loaded += chosen.loaded
    cost.count_trained(len(batch))
    return StepReport(mean_loss, tau, chosen, logits)
