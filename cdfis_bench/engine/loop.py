"""One run: train until the budget is spent, evaluate on the way, record what happened."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from cdfis_bench.core.augment import Augmenter
from cdfis_bench.core.context import StepContext
from cdfis_bench.core.streams import drawing_from, run_streams
from cdfis_bench.core.summary import Summary
from cdfis_bench.core.types import Recorder
from cdfis_bench.engine.accounting import (
    begin_step,
    conclude,
    count_step,
    record_evaluation,
)
from cdfis_bench.engine.holdout import HoldoutTraining
from cdfis_bench.engine.meters.cost import CostMeter
from cdfis_bench.engine.setup import RunSetup
from cdfis_bench.engine.state import RunState
from cdfis_bench.engine.step import train_step
from cdfis_bench.thresholds.fixed import FixedThreshold

OnStep = Callable[[int, float], None]


def train(
    setup: RunSetup,
    recorder: Recorder,
    on_step: OnStep = lambda step, seconds: None,
    save: Callable[[dict[str, Any]], None] | None = None,
    saved: Mapping[str, Any] | None = None,
) -> Summary:
    """Runs `setup` to the end of its budget and returns its summary.

    Args:
        setup: The run.
        recorder: Takes the rows of table "curve" and the arrays.
        on_step: Called with (finished steps, training seconds) after every step, outside the clock.
        save: Called with the state every checkpoint_every steps.
        saved: Such a state, to continue from.

    Raises:
        UserError: If the training or test loss stops being finite.
    """
    warm_up(setup)
    state = RunState(setup)
    if saved is None:
        state.method.prepare(holdout_training(setup, state.cost))
        final = {}
    else:
        state.load_state_dict(saved)
        final = dict(saved["final"])

    state.model.train(setup.train_mode)
    with drawing_from(state.streams.noise):
        if saved is None:
            final = record_evaluation(setup, state, recorder)
        while (progress := setup.budget.progress(state.step, state.cost)) < 1:
            begin_step(state, progress)
            count_step(setup, state, recorder, train_step(state.context, state.optimizer))
            on_step(state.step, state.cost.train_seconds)
            if state.step % setup.eval_every == 0:
                final = record_evaluation(setup, state, recorder)
            every = setup.checkpoint_every
            if save is not None and every is not None and state.step % every == 0:
                save({**state.state_dict(), "final": final})
        if state.step % setup.eval_every:
            final = record_evaluation(setup, state, recorder)

    return conclude(setup, state, recorder, final)


def holdout_training(setup: RunSetup, cost: CostMeter) -> HoldoutTraining:
    """What a metric may train before the run, at the run's expense."""
    return HoldoutTraining(
        setup.make_model,
        setup.make_optimizer,
        setup.dataset.train,
        setup.batch_size,
        setup.eval_chunk_size,
        setup.seed,
        cost,
        setup.augment,
    )


def warm_up(setup: RunSetup) -> None:
    """Makes two steps of either kind on throw-away copies, so that no run pays start-up costs."""
    model = copy.deepcopy(setup.model).train()
    optimizer = setup.make_optimizer(model.parameters())
    streams = run_streams(0, setup.device, setup.streams.order.device)
    with drawing_from(streams.noise):
        for open in (False, True):
            method = setup.make_method().with_threshold(FixedThreshold(open))
            context = StepContext(
                model,
                method,
                setup.batch_size,
                streams.order,
                streams.select,
                CostMeter(setup.device),
                augmenter=Augmenter(setup.augment, streams.augment),
            )
            for _ in range(2):
                train_step(context, optimizer)
                context.step += 1
