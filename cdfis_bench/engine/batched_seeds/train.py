"""Several seeds of one arm trained at once, as one network: for accuracy over steps.

Each seed has its own weights, order, selection, gate and optimizer state, and ends where it would
have ended alone, up to rounding (sums are made in another order). The clock is shared.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, optim
from torch.nn.functional import cross_entropy
from torch.nn.modules.conv import _ConvNd

from cdfis_bench.core.errors import UserError, require
from cdfis_bench.core.modes import scoring_autocast
from cdfis_bench.core.parts import LogitMetric, ReorderingSource
from cdfis_bench.core.summary import Summary
from cdfis_bench.core.types import MiniBatch, Recorder
from cdfis_bench.engine.accounting import (
    begin_step,
    conclude,
    count_step,
    record_evaluation,
)
from cdfis_bench.engine.batched_seeds.stacked_model import StackedModel
from cdfis_bench.engine.learning_rate import LearningRate
from cdfis_bench.engine.loop import OnStep, holdout_training, warm_up
from cdfis_bench.engine.meters.cost import CostMeter
from cdfis_bench.engine.setup import RunSetup
from cdfis_bench.engine.state import RunState
from cdfis_bench.engine.step import (
    StepReport,
    end_step,
    next_mini_batch,
    select_and_weight,
    update,
)

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

# Samples of all seeds in one pass without gradients: the activations then stay in the cache of a
# CPU core (2.5 times as fast as one seed after the other, instead of 1.5).
_ROWS = 2048


def check_batched_seeds(setup: RunSetup) -> None:
    """Raises UserError, with the reason, if seeds of this arm should not be trained at once."""
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
    require(
        len(optimizer.param_groups) == 1,
        "optimizer.decay_norms_and_biases=false tells weights apart by their shape, which stacked "
        f"weights do not have; {instead}",
    )
    selector = setup.make_method().selector
    require(
        not selector.changes_learning_rate,
        f"{type(selector).__name__} gives every seed its own learning rate; {instead}",
    )


def train_batched_seeds(
    setups: Sequence[RunSetup],
    recorders: Sequence[Recorder],
    on_step: OnStep = lambda step, seconds: None,
) -> list[Summary]:
    """Runs all `setups`, which differ in their seed only, to the end; returns their summaries.

    Args:
        setups: The runs.
        recorders: One for each.
        on_step: As in `train`. Seconds are each seed's share of the common ones.

    Raises:
        UserError: As check_batched_seeds does, or if the loss of a seed stops being finite.
    """
    first = setups[0]
    check_batched_seeds(first)
    warm_up(first)
    states = [RunState(setup) for setup in setups]
    for setup, state in zip(setups, states, strict=True):
        state.method.prepare(holdout_training(setup, state.cost))
        state.model.train(setup.train_mode)
    batched = BatchedSeeds(first, states)
    runs = list(zip(setups, states, recorders, strict=True))
    finals = [record_evaluation(*run) for run in runs]
    while (progress := first.budget.progress(states[0].step, states[0].cost)) < 1:
        for state in states:
            begin_step(state, progress)
        for run, report in zip(runs, batched.step(), strict=True):
            try:
                count_step(*run, report)
            except UserError as error:
                raise UserError(f"seed {run[0].seed}: {error}") from None
        step = states[0].step
        on_step(step, states[0].cost.train_seconds)
        if step % first.eval_every == 0:
            finals = [record_evaluation(*run) for run in runs]
    if states[0].step % first.eval_every:
        finals = [record_evaluation(*run) for run in runs]
    return [conclude(*run, final) for run, final in zip(runs, finals, strict=True)]


class BatchedSeeds:
    """The steps of all seeds: each selects its mini-batch, one network trains on all of them."""

    def __init__(self, setup: RunSetup, states: Sequence[RunState]) -> None:
        """Stacks the networks of all seeds; `setup` is that of any of them."""
        self._states = states
        self._stack = StackedModel([state.model for state in states])
        self._optimizer = setup.make_optimizer(self._stack.parameters)
        self._learning_rate = LearningRate(self._optimizer, setup.schedule)
        self._cost = CostMeter(setup.device)

    def step(self) -> list[StepReport]:
        """One optimization step of every seed, as train_step makes it for one."""
        context = self._states[0].context
        self._learning_rate.set(context.progress, context.method)  # the same for all seeds
        if all(_scored_by_logits(state) for state in self._states):
            mini_batches = self._score_at_once()
        else:
            mini_batches = [next_mini_batch(state.context) for state in self._states]
        with self._cost("update"):
            losses, logits = self._update(mini_batches)
        self._share("update")
        return [
            end_step(state.context, mini_batch, own_logits, own_losses, mean_loss)
            for state, mini_batch, own_logits, own_losses, mean_loss in zip(
                self._states, mini_batches, logits, losses, losses.mean(1), strict=True
            )
        ]

    def _score_at_once(self) -> list[MiniBatch]:
        """Mini-batches of all seeds, with one forward pass for all their candidates."""
        candidates = []
        for state in self._states:
            source = state.method.source
            candidates.append(source.next_batch(state.context, source.large_batch_size))
        metric, scoring = self._states[0].method.metric, self._states[0].method.scoring
        assert isinstance(metric, LogitMetric)
        x = torch.stack([batch.x for batch in candidates])  # [S, K, *D]
        y = torch.stack([batch.y for batch in candidates])  # [S, K]
        with self._cost("score"), torch.no_grad(), scoring_autocast(x.device, scoring.dtype):
            at_once = max(1, _ROWS // len(y)) if x.device.type == "cpu" else y.shape[1]
            chunks = zip(x.split(at_once, 1), y.split(at_once, 1), strict=True)
            scores = torch.cat([self._scores(metric, *chunk) for chunk in chunks], 1)  # [S, K]
        self._share("score")
        mini_batches = []
        for state, batch, own in zip(self._states, candidates, scores, strict=True):
            state.cost.count_scored(len(batch), metric.forward_passes, metric.backward_passes)
            mini_batches.append(select_and_weight(state.context, batch, own))
        return mini_batches

    def _scores(self, metric: LogitMetric, x: Tensor, y: Tensor) -> Tensor:
        logits = self._stack(x)  # [S, rows, C]
        return metric.from_logits(logits.flatten(0, 1), y.flatten()).view_as(y)

    def _update(self, mini_batches: Sequence[MiniBatch]) -> tuple[Tensor, Tensor]:
        """Returns losses [S, N] and logits [S, N, C] before the update, no graph."""
        x = torch.stack([one.batch.x for one in mini_batches])  # [S, N, *D]
        y = torch.stack([one.batch.y for one in mini_batches])  # [S, N]
        logits = self._stack(x)  # [S, N, C]
        losses = cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="none").view_as(y)
        if all(one.loss_weights is None for one in mini_batches):
            weighted = losses
        else:
            ones = torch.ones_like(losses[0])
            weights = [ones if m.loss_weights is None else m.loss_weights for m in mini_batches]
            weighted = torch.stack(weights) * losses
        # A sum over seeds: the gradient of each seed's weights is that of its own mean.
        update(weighted.mean(1).sum(), self._optimizer, self._stack.parameters)
        return losses.detach(), logits.detach()

    def _share(self, phase: str) -> None:
        """Charges every seed its share of the common seconds."""
        common = self._cost(phase)
        for state in self._states:
            state.cost(phase).seconds += common.seconds / len(self._states)
        common.seconds = 0.0


def _scored_by_logits(state: RunState) -> bool:
    """Whether the next mini-batch is selected by a function of the candidates' logits."""
    method = state.method
    return (
        method.selecting
        and not isinstance(method.source, ReorderingSource)
        and isinstance(method.metric, LogitMetric)
        and method.metric.forward_passes == 1  # not a stored score
    )
