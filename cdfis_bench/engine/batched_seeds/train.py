"""Several seeds of one arm trained at once, as one network: for accuracy over steps.

Each seed has its own weights, order, selection, gate and optimizer state, and ends where it would
have ended alone (to rounding: sums are made in another order). What is shared is the clock.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, optim
from torch.nn.functional import cross_entropy
from torch.nn.modules.conv import _ConvNd

from cdfis_bench.core.errors import UserError, require
from cdfis_bench.core.types import Chosen, Feedback, Metric, Recorder
from cdfis_bench.engine.batched_seeds.stacked_model import Stack
from cdfis_bench.engine.loop import (
    Summary,
    Training,
    beginning,
    conclude,
    count_step,
    record_evaluation,
    side_training,
    warm_up,
)
from cdfis_bench.engine.meters.cost import CostMeter
from cdfis_bench.engine.meters.diagnostics import concentration
from cdfis_bench.engine.method import Choosing, Method
from cdfis_bench.engine.state import RunState
from cdfis_bench.engine.step import StepReport
from cdfis_bench.sources.presample import PresampleSource

# They treat every weight by itself, so that stacked weights are trained as single ones are.
_ELEMENTWISE = (
    optim.SGD,
    optim.Adam,
    optim.AdamW,
    optim.NAdam,
    optim.RAdam,
    optim.Adamax,
    optim.Adagrad,
    optim.Adadelta,
    optim.RMSprop,
)

# Samples of all seeds in one pass without gradients: what lies between the layers stays in the
# cache of a CPU core (2.5 times one by one instead of 1.5).
_ROWS = 2048


def check_together(setup: Training) -> None:
    """Raises UserError, with the reason, if seeds of this arm had better not train at once."""
    instead = "use hydra/launcher=pool"
    require(
        setup.device.type != "cpu"
        or not any(isinstance(m, _ConvNd) for m in setup.model.modules()),
        "convolutions of several seeds at once take 1.8 times as long on a CPU as one after the "
        f"other; {instead}",
    )
    require(
        setup.budget.in_steps_alone,
        "seeds that train at once share a clock, so their budget must be in steps alone; give "
        f"budget.steps and no other, or {instead}",
    )
    require(
        setup.checkpoint_every is None,
        f"checkpoint_every={setup.checkpoint_every} saves single runs only; set it to null, or "
        f"{instead}",
    )
    optimizer = setup.make_optimizer(setup.model.parameters())
    require(
        type(optimizer) in _ELEMENTWISE,
        f"optimizer {type(optimizer).__name__} may look across weights, which seeds trained at "
        f"once must not share; {instead}",
    )
    selector = setup.make_method().selector
    require(
        not hasattr(selector, "learning_rate_gain"),
        f"{type(selector).__name__} gives every seed its own learning rate; {instead}",
    )


def train_together(
    setups: Sequence[Training],
    recorders: Sequence[Recorder],
    on_step: Callable[[int, float], None] = lambda step, seconds: None,
) -> list[Summary]:
    """Runs all `setups`, which differ in their seed only, to the end; returns their summaries.

    recorders: one for each. Seconds are each seed's share of the common ones.
    Raises UserError as check_together does, or if the loss of a seed stops being finite.
    """
    first = setups[0]
    check_together(first)
    warm_up(first)
    runs = [beginning(setup) for setup in setups]
    for setup, run in zip(setups, runs, strict=True):
        run.method.prepare(side_training(setup, run.cost))
        run.model.train(setup.train_mode)
    together = Together(first, runs)
    each = list(zip(setups, runs, recorders, strict=True))
    finals = [record_evaluation(*one) for one in each]
    while (progress := first.budget.progress(runs[0].step, runs[0].cost)) < 1:
        for (setup, run, recorder), report in zip(each, together.step(progress), strict=True):
            try:
                count_step(setup, run, recorder, report, progress)
            except UserError as error:
                raise UserError(f"seed {setup.seed}: {error}") from None
        step = runs[0].step
        on_step(step, runs[0].cost.train_seconds)
        if step % first.eval_every == 0:
            finals = [record_evaluation(*one) for one in each]
    if runs[0].step % first.eval_every:
        finals = [record_evaluation(*one) for one in each]
    return [conclude(*one, final) for one, final in zip(each, finals, strict=True)]


class Together:
    """The steps of all seeds: each chooses its mini-batch, one network trains on all of them."""

    def __init__(self, setup: Training, runs: Sequence[RunState]) -> None:
        self._runs = runs
        self._n = setup.batch_size
        self._stack = Stack([run.model for run in runs])
        self._optimizer = setup.make_optimizer(self._stack.parameters)
        self._cost = CostMeter(setup.device)

    def step(self, progress: float) -> list[StepReport]:
        """One optimisation step of every seed: as train_step, for all."""
        together = all(_scored_by_logits(run.method) for run in self._runs)
        chosen = self._score_together(progress) if together else self._choose(progress)
        with self._cost("update"):
            losses, logits = self._update(chosen)
        self._share("update")
        reports = []
        means = losses.mean(1)
        for run, of_run, mean, own_losses, own_logits in zip(
            self._runs, chosen, means, losses, logits, strict=True
        ):
            tau = None
            if run.method.learns or run.method.threshold.needs_scores:
                with run.cost("select"):
                    if run.method.learns:
                        seen = (of_run.batch, own_logits, own_losses, of_run)
                        run.method.learn(Feedback(run.step + 1, progress, *seen))
                    if run.method.threshold.needs_scores:
                        tau = concentration(run.method.scores_of(of_run, own_logits))
            run.cost.samples_loaded += of_run.loaded
            run.cost.count_trained(len(of_run.batch))
            reports.append(StepReport(mean, tau, of_run, own_logits))
        return reports

    def _choose(self, progress: float) -> list[Chosen]:
        """Mini-batches chosen seed by seed: any source, any metric, gates open or closed."""
        return [
            run.method.choose(run.model, self._n, run.streams, run.cost, progress)
            for run in self._runs
        ]

    def _score_together(self, progress: float) -> list[Chosen]:
        """The same, with one forward pass for the candidates of all seeds."""
        candidates = [
            run.method.source.candidates(True, run.streams.order, run.cost)  # type: ignore[attr-defined]
            for run in self._runs
        ]
        metric = self._runs[0].method.metric
        with self._cost("score"), torch.no_grad():
            x = torch.stack([batch.x for batch in candidates])  # [S, K, *D]
            y = torch.stack([batch.y for batch in candidates])  # [S, K]
            at_once = max(1, _ROWS // len(y)) if x.device.type == "cpu" else y.shape[1]
            parts = zip(x.split(at_once, 1), y.split(at_once, 1), strict=True)
            scores = torch.cat([self._scores(metric, *part) for part in parts], 1)  # [S, K]
        self._share("score")
        chosen = []
        for run, batch, own in zip(self._runs, candidates, scores, strict=True):
            run.cost.count_scored(len(batch), metric.forward_passes, metric.backward_passes)
            parts = Choosing(run.method, run.model, self._n, progress, run.streams.select, run.cost)
            chosen.append(parts.select(batch, own))
        return chosen

    def _scores(self, metric: Metric, x: Tensor, y: Tensor) -> Tensor:
        logits = self._stack(x)  # [S, rows, C]
        return metric.of_logits(logits.flatten(0, 1), y.flatten()).view_as(y)  # type: ignore[attr-defined]

    def _update(self, chosen: Sequence[Chosen]) -> tuple[Tensor, Tensor]:
        """(losses [S, N], logits [S, N, C]) before the update, no graph."""
        x = torch.stack([of_run.batch.x for of_run in chosen])  # [S, N, *D]
        y = torch.stack([of_run.batch.y for of_run in chosen])  # [S, N]
        logits = self._stack(x)  # [S, N, C]
        losses = cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="none").view_as(y)
        if all(of_run.weights is None for of_run in chosen):
            weighted = losses
        else:
            ones = torch.ones_like(losses[0])
            weights = [ones if c.weights is None else c.weights for c in chosen]
            weighted = torch.stack(weights) * losses
        for parameter in self._stack.parameters:
            parameter.grad = None
        # A sum over seeds: the gradient of each seed's weights is that of its own mean.
        weighted.mean(1).sum().backward()
        self._optimizer.step()
        return losses.detach(), logits.detach()

    def _share(self, phase: str) -> None:
        """Charges every seed its part of the common seconds."""
        common = self._cost(phase)
        for run in self._runs:
            run.cost(phase).seconds += common.seconds / len(self._runs)
        common.seconds = 0.0


def _scored_by_logits(method: Method) -> bool:
    """Whether the next mini-batch is chosen by a function of the logits of the candidates."""
    return (
        method.selecting
        and isinstance(method.source, PresampleSource)
        and hasattr(method.metric, "of_logits")
        and method.metric.forward_passes == 1  # not what is remembered of an earlier pass
    )
