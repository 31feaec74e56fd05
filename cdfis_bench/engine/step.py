"""One optimisation step: section 4 of the paper."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer

from cdfis_bench.core.streams import Streams
from cdfis_bench.core.types import Batch
from cdfis_bench.engine.cost import CostMeter
from cdfis_bench.engine.method import Method


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one step did, for usage counts, thresholds and figures."""

    mean_loss: float  # unweighted, before the update: comparable between methods
    offered: Tensor  # [K or N] int64, rows of the training set
    chosen: Batch  # [N]
    logits: Tensor  # [N, C], before the update
    fallback: Tensor | None  # [] bool; None while nothing is selected


def train_step(
    model: nn.Module,
    optimizer: Optimizer,
    method: Method,
    n: int,
    streams: Streams,
    cost: CostMeter,
) -> StepReport:
    """Scores K candidates, keeps n of them, updates the model; or trains on n samples while the gate is closed.

    Source: Knutsson et al. 2023, sections 4.1 and 4.2.
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
            chosen = Batch(
                candidates.x.index_select(0, selection.indices),
                candidates.y.index_select(0, selection.indices),
                candidates.index.index_select(0, selection.indices),
            )
        fallback = selection.fallback
        cost.count_scored(len(candidates), method.metric.backward_passes)
    else:
        chosen, weights, fallback = candidates, None, None

    with cost("update"):
        logits = model(chosen.x)  # [N, C]
        losses = cross_entropy(logits, chosen.y, reduction="none")  # [N]
        loss = losses.mean() if weights is None else (weights * losses).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    cost.samples_loaded += len(candidates)
    cost.count_trained(n)
    with torch.no_grad():
        mean_loss = losses.mean().item()
    return StepReport(mean_loss, candidates.index, chosen, logits.detach(), fallback)
