"""One run: train until the budget is spent, evaluate on the way, write down what happened."""

import copy
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Generator, nn
from torch.optim import Optimizer

from cdfis_bench.backends.choose import Backend
from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import Streams, drawing_from, run_streams
from cdfis_bench.core.types import Observation, Recorder, Samples
from cdfis_bench.datasets.dataset import Dataset
from cdfis_bench.engine.budget import Budget
from cdfis_bench.engine.evaluate import evaluate
from cdfis_bench.engine.holdout import HoldoutTraining
from cdfis_bench.engine.meters import diagnostics
from cdfis_bench.engine.meters.cost import CostMeter
from cdfis_bench.engine.meters.diagnostics import class_shares
from cdfis_bench.engine.meters.lagged import Delayed
from cdfis_bench.engine.meters.learning import EL2N_AFTER, Learning, error_norms
from cdfis_bench.engine.meters.selection_cost import selection_cost
from cdfis_bench.engine.meters.usage import Usage
from cdfis_bench.engine.method import Method
from cdfis_bench.engine.predict import predictions
from cdfis_bench.engine.state import RunState
from cdfis_bench.engine.step import StepReport, train_step
from cdfis_bench.thresholds.fixed import FixedThreshold

Parameters = Iterable[nn.Parameter]
Summary = dict[str, float | int | list[float] | None]


@dataclass(frozen=True, slots=True)
class Training:
    """Everything a run needs, checked and on the device."""

    model: nn.Module
    make_model: Callable[[Generator], nn.Module]  # another one, its weights from the generator
    make_optimizer: Callable[[Parameters], Optimizer]
    dataset: Dataset
    make_method: Callable[[], Method]  # fresh parts, without memory of an earlier run
    streams: Streams
    seed: int
    device: torch.device
    large_batch_size: int
    batch_size: int
    budget: Budget
    train_mode: bool  # false: trains in eval mode, dropout off, as the authors' code does
    eval_every: int  # steps
    pattern_every: int | None  # steps; None records no sampling patterns
    record_learning: bool  # whether forgetting events and EL2N are recorded
    checkpoint_every: int | None  # steps; None saves no state on the way
    eval_chunk_size: int
    backend: Backend  # applied to the model


def train(
    setup: Training,
    recorder: Recorder,
    on_step: Callable[[int, float], None] = lambda step, seconds: None,
    save: Callable[[dict[str, Any]], None] | None = None,
    saved: Mapping[str, Any] | None = None,
) -> Summary:
    """Runs `setup` to the end of its budget and returns its summary.

    recorder takes the rows of table "curve" and the arrays.
    on_step(steps finished, train_seconds) is called after every step, outside the clock.
    save(state) is called every checkpoint_every steps; `saved` is such a state, to go on from.
    Raises UserError if the training loss stops being finite.
    """
    warm_up(setup)
    run = beginning(setup)
    if saved is None:
        run.method.prepare(side_training(setup, run.cost))
    else:
        run.load_state_dict(saved)
    final = dict(saved["final"]) if saved is not None else {}

    run.model.train(setup.train_mode)
    with drawing_from(run.streams.noise):
        if saved is None:
            final = record_evaluation(setup, run, recorder)
        while (progress := setup.budget.progress(run.step, run.cost)) < 1:
            take_step(setup, run, recorder, progress)
            on_step(run.step, run.cost.train_seconds)
            if run.step % setup.eval_every == 0:
                final = record_evaluation(setup, run, recorder)
            every = setup.checkpoint_every
            if save is not None and every is not None and run.step % every == 0:
                save({**run.state_dict(), "final": final})
        if run.step % setup.eval_every:
            final = record_evaluation(setup, run, recorder)

    return conclude(setup, run, recorder, final)


def conclude(
    setup: Training, run: RunState, recorder: Recorder, final: dict[str, float]
) -> Summary:
    """Records what is known at the end; returns the summary. final: from record_evaluation."""
    for counted in (run.usage, run.learning):
        for name, values in ({} if counted is None else counted.arrays()).items():
            recorder.array(name, values)
    predicted = predictions(run.model, setup.dataset.train, setup.eval_chunk_size)
    recorder.array("train_prediction", predicted)
    return {
        "steps": run.step,
        "gate_open_step": run.gate_open_step,
        **final,
        **class_shares(setup.dataset.train.y, run.usage.selected, setup.dataset.n_classes),
        **run.cost.totals(),
        **selection_cost(run.cost.totals(), run.step, run.open_steps),
    }


def beginning(setup: Training) -> RunState:
    return RunState(
        setup.model,
        setup.make_optimizer(setup.model.parameters()),
        setup.make_method(),
        setup.streams,
        CostMeter(setup.device),
        Usage(len(setup.dataset.train), setup.device),
        Delayed(setup.device),
        Learning(len(setup.dataset.train), setup.device) if setup.record_learning else None,
    )


def side_training(setup: Training, cost: CostMeter) -> HoldoutTraining:
    return HoldoutTraining(
        setup.make_model,
        setup.make_optimizer,
        setup.dataset.train,
        setup.batch_size,
        setup.eval_chunk_size,
        setup.seed,
        cost,
    )


def take_step(setup: Training, run: RunState, recorder: Recorder, progress: float) -> None:
    """One step, counted. progress: share of the budget spent before it."""
    _set_learning_rate(run)
    run.open_steps += run.method.threshold.open
    report = train_step(
        run.model,
        run.optimizer,
        run.method,
        setup.batch_size,
        run.streams,
        run.cost,
        run.step,
        progress,
    )
    count_step(setup, run, recorder, report, progress)


def count_step(
    setup: Training, run: RunState, recorder: Recorder, report: StepReport, progress: float
) -> None:
    """What is kept of a step that was made; the threshold sees it."""
    if setup.pattern_every and run.step % setup.pattern_every == 0:
        _record_pattern(recorder, run.step, report, setup.dataset.train)
    if run.step % diagnostics.EVERY == 0:
        for name, value in diagnostics.look_at(report.chosen).items():
            run.tally.add(name, value)
    run.step += 1
    run.tally.add("train_loss", report.mean_loss)
    if report.chosen.selection is not None:
        run.tally.add("fallbacks", report.chosen.selection.fallback)
    batch = report.chosen.batch
    run.usage.add(report.chosen.offered, batch.index)
    if run.learning is not None:
        run.learning.see(batch.index, batch.y, report.logits)
    read = [report.mean_loss] if report.tau is None else [report.mean_loss, report.tau]
    for step, values in run.delayed.put(run.step, read):
        _observe(run, Observation(step, values[0], progress, *values[1:]))


def _set_learning_rate(run: RunState) -> None:
    """Times what the method asks for, while it selects (JG18 takes longer steps where they pay)."""
    gain = getattr(run.method.selector, "learning_rate_gain", None)
    if gain is None:
        return
    for group, rate in zip(run.optimizer.param_groups, run.learning_rates, strict=True):
        group["lr"] = rate * (gain if run.method.threshold.open else 1.0)


def _observe(run: RunState, seen: Observation) -> None:
    """Shows the threshold a step."""
    if not math.isfinite(seen.mean_loss):
        raise UserError(
            f"training diverged: the mini-batch loss is {seen.mean_loss} at step {seen.step}; "
            "lower optimizer.lr"
        )
    run.method.threshold.update(seen)
    _note_gate(run)


def _note_gate(run: RunState) -> None:
    """Notes when the gate first opens."""
    if run.method.threshold.open and run.gate_open_step is None:
        run.gate_open_step = run.step
        run.usage.gate_opened()


def record_evaluation(setup: Training, run: RunState, recorder: Recorder) -> dict[str, float]:
    """Records a row of the curve; returns its values that a summary repeats."""
    with run.cost("eval"):
        test_loss, accuracy = evaluate(run.model, setup.dataset.test, setup.eval_chunk_size)
        _take_el2n(setup, run)
    final = {
        "fallback_count": int(run.tally.total("fallbacks")),
        "test_loss": test_loss,
        "test_accuracy": accuracy,
    }
    means = ("train_loss", *diagnostics.NAMES)
    recorder.row(
        "curve",
        step=run.step,
        **run.cost.totals(),
        gate_open=run.method.threshold.open,
        **{name: run.tally.mean(name) for name in means},
        **final,
    )
    run.tally.reset(*means)
    if hasattr(run.method.threshold, "evaluated"):
        run.method.threshold.evaluated(test_loss)
        _note_gate(run)
    return final


def _take_el2n(setup: Training, run: RunState) -> None:
    """At the first evaluation after EL2N_AFTER of the budget."""
    taken = run.learning is None or run.learning.el2n is not None
    if taken or setup.budget.progress(run.step, run.cost) < EL2N_AFTER:
        return
    run.learning.el2n = error_norms(run.model, setup.dataset.train, setup.eval_chunk_size)


def _record_pattern(recorder: Recorder, step: int, report: StepReport, samples: Samples) -> None:
    """The samples that step `step` trains on, and their predicted class (paper figure 1)."""
    batch = report.chosen.batch
    recorder.array(f"pattern/{step:06d}/x", batch.x)
    recorder.array(f"pattern/{step:06d}/index", batch.index)
    recorder.array(f"pattern/{step:06d}/prediction", report.logits.argmax(1))


def warm_up(setup: Training) -> None:
    """Two steps of either kind on throw-away copies: start-up costs are charged to no run."""
    model = copy.deepcopy(setup.model).train()
    optimizer = setup.make_optimizer(model.parameters())
    cost = CostMeter(setup.device)
    streams = run_streams(0, setup.device, setup.streams.order.device)
    with drawing_from(streams.noise):
        for open in (False, True):
            method = replace(setup.make_method(), threshold=FixedThreshold(open))
            for step in range(2):
                train_step(model, optimizer, method, setup.batch_size, streams, cost, step)
