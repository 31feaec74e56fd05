"""One optimization step: section 4 of the paper."""

from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer

from cdfis_bench.core.context import StepContext
from cdfis_bench.core.parts import ReorderingSource
from cdfis_bench.core.types import Batch, MiniBatch, StepEnd, concentration


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one step did. Nothing here waits for an accelerator.

    Attributes:
        mini_batch: The samples trained on, and how they were selected.
        mean_loss: Unweighted mean loss before the update, [], comparable between methods.
        logits: [N, C] before the update.
        tau: Concentration of the scores, [], if the threshold needs it.
        gate_open: Whether the gate was open in this step.
    """

    mini_batch: MiniBatch
    mean_loss: Tensor
    logits: Tensor
    tau: Tensor | None
    gate_open: bool


def train_step(context: StepContext, optimizer: Optimizer) -> StepReport:
    """Loads and scores K candidates, selects N of them, weights their losses, updates the network.

    While the gate is closed, the step trains on the next N samples instead.

    Source: Knutsson et al. 2023, sections 4.1 and 4.2.
    """
    mini_batch = next_mini_batch(context)
    batch, weights = mini_batch.batch, mini_batch.loss_weights
    with context.cost("update"):
        logits = context.model(batch.x)  # [N, C]
        losses = None
        if weights is None and not context.method.listens:
            loss = mean_loss = cross_entropy(logits, batch.y)
        else:
            losses = cross_entropy(logits, batch.y, reduction="none")  # [N]
            mean_loss = losses.mean()
            loss = mean_loss if weights is None else (weights * losses).mean()
        update(loss, optimizer, (p for group in optimizer.param_groups for p in group["params"]))
        logits, mean_loss = logits.detach(), mean_loss.detach()
    return end_step(context, mini_batch, logits, losses, mean_loss)


def next_mini_batch(context: StepContext) -> MiniBatch:
    """The first half of a step: load, score, select, weight."""
    source = context.method.source
    if not context.method.selecting:
        return uniform_mini_batch(context)
    if isinstance(source, ReorderingSource):
        return source.mini_batch(context)
    candidates = source.next_batch(context, source.large_batch_size)
    scores = context.score(candidates)  # [K]
    return select_and_weight(context, candidates, scores)


def uniform_mini_batch(context: StepContext) -> MiniBatch:
    """The next N samples in shuffled order."""
    batch = context.method.source.next_batch(context, context.batch_size)
    return MiniBatch(batch, offered=batch.index, loaded=len(batch))


def select_and_weight(context: StepContext, candidates: Batch, scores: Tensor) -> MiniBatch:
    """N of the candidates, by their scores [K], with their loss weights."""
    with context.cost("select"):
        selection = context.select(scores)
        weights = context.weight(selection, len(candidates))  # [N]
        batch = candidates.take(selection.indices.to(candidates.y.device))
    return MiniBatch(batch, weights, candidates.index, len(candidates), selection, scores)


def update(loss: Tensor, optimizer: Optimizer, parameters: Iterable[nn.Parameter | Tensor]) -> None:
    """Backward pass and optimizer step."""
    for parameter in parameters:  # optimizer.zero_grad takes ten times as long
        parameter.grad = None
    loss.backward()
    optimizer.step()


def end_step(
    context: StepContext,
    mini_batch: MiniBatch,
    logits: Tensor,
    losses: Tensor | None,
    mean_loss: Tensor,
) -> StepReport:
    """Shows the method what training showed, and counts the cost of the step.

    Args:
        context: Of the step.
        mini_batch: The samples trained on.
        logits: [N, C] before the update.
        losses: Unweighted losses [N] before the update; needed if the method listens.
        mean_loss: [] before the update.
    """
    method, gate_open, tau = context.method, context.method.threshold.open, None
    if method.listens or method.threshold.needs_scores:
        with context.cost("select"):
            if method.listens:
                assert losses is not None
                step, progress = context.step + 1, context.progress
                seen = StepEnd(step, progress, mini_batch, logits, losses.detach())
                method.on_step_end(seen)
            if method.threshold.needs_scores:
                tau = _tau(context, mini_batch, logits)
    context.cost.count_step(mini_batch.loaded, len(mini_batch.batch))
    return StepReport(mini_batch, mean_loss, logits, tau, gate_open)


def _tau(context: StepContext, mini_batch: MiniBatch, logits: Tensor) -> Tensor:
    """Of the scores behind the selection; of the trained samples where nothing was scored."""
    if mini_batch.score_statistics is not None:
        return mini_batch.score_statistics.tau
    scores = mini_batch.scores
    if scores is None:
        scores = context.method.free_scores(logits, mini_batch.batch.y)
    return concentration(scores)
