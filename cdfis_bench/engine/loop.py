"""One run: train until the budget is spent, evaluate on the way, write down what happened."""

import copy
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import Streams, drawing_from, run_streams
from cdfis_bench.core.types import Observation, Recorder, Samples
from cdfis_bench.datasets.dataset import Dataset
from cdfis_bench.engine.budget import Budget
from cdfis_bench.engine.cost import CostMeter
from cdfis_bench.engine.evaluate import evaluate
from cdfis_bench.engine.method import Method
from cdfis_bench.engine.predict import predictions
from cdfis_bench.engine.step import StepReport, train_step
from cdfis_bench.engine.usage import Usage

Parameters = Iterable[nn.Parameter]


@dataclass(frozen=True, slots=True)
class Training:
    """Everything a run needs, checked and on the device."""

    model: nn.Module
    make_optimizer: Callable[[Parameters], Optimizer]
    dataset: Dataset
    make_method: Callable[[], Method]  # fresh parts, without memory of an earlier run
    streams: Streams
    device: torch.device
    large_batch_size: int
    batch_size: int
    budget: Budget
    eval_every: int  # steps
    pattern_every: int | None  # steps; None records no sampling patterns
    eval_chunk_size: int


def train(
    setup: Training,
    recorder: Recorder,
    on_step: Callable[[int, float], None] = lambda step, seconds: None,
) -> dict[str, float | int | None]:
    """Runs `setup` to the end of its budget and returns its summary.

    recorder takes the rows of table "curve" and the arrays.
    on_step(steps finished, train_seconds) is called after every step, outside the clock.
    Raises UserError if the training loss stops being finite.
    """
    _warm_up(setup)
    model, streams = setup.model, setup.streams
    method, optimizer = setup.make_method(), setup.make_optimizer(model.parameters())
    cost = CostMeter(setup.device)
    usage = Usage(len(setup.dataset.train), setup.large_batch_size, setup.device)
    fallbacks = 0
    gate_open_step = 0 if method.threshold.open else None
    losses: list[float] = []
    step = 0
    final: dict[str, float] = {}

    def record_evaluation() -> None:
        with cost("eval"):
            test_loss, accuracy = evaluate(model, setup.dataset.test, setup.eval_chunk_size)
        train_loss = sum(losses) / len(losses) if losses else None
        final.update(test_loss=test_loss, test_accuracy=accuracy)
        recorder.row(
            "curve",
            step=step,
            **cost.totals(),
            gate_open=method.threshold.open,
            fallback_count=fallbacks,
            train_loss=train_loss,
            **final,
        )
        losses.clear()

    model.train()
    with drawing_from(streams.noise):
        record_evaluation()
        while not setup.budget.spent(step, cost.train_seconds):
            report = train_step(model, optimizer, method, setup.batch_size, streams, cost)
            if setup.pattern_every and step % setup.pattern_every == 0:
                _record_pattern(recorder, step, report, setup.dataset.train)
            step += 1
            if not math.isfinite(report.mean_loss):
                raise UserError(
                    f"training diverged: the mini-batch loss is {report.mean_loss} at step {step}; "
                    "lower optimizer.lr"
                )
            losses.append(report.mean_loss)
            usage.add(report.candidates.index, report.chosen_rows())
            if report.selection is not None:
                fallbacks += report.selection.fallback
            method.threshold.update(Observation(step, report.mean_loss))
            if method.threshold.open and gate_open_step is None:
                gate_open_step = step
                usage.gate_opened()
            on_step(step, cost.train_seconds)
            if step % setup.eval_every == 0:
                record_evaluation()
        if losses:
            record_evaluation()

    for name, values in usage.arrays().items():
        recorder.array(name, values)
    predicted = predictions(model, setup.dataset.train, setup.eval_chunk_size)
    recorder.array("train_prediction", predicted)
    return {
        "steps": step,
        "gate_open_step": gate_open_step,
        "fallback_count": fallbacks,
        **final,
        **cost.totals(),
    }


def _record_pattern(recorder: Recorder, step: int, report: StepReport, samples: Samples) -> None:
    """The samples that step `step` trains on, and their predicted class (paper figure 1)."""
    rows = report.chosen_rows()
    recorder.array(f"pattern/{step:06d}/x", samples.batch(rows).x)
    recorder.array(f"pattern/{step:06d}/index", rows)
    recorder.array(f"pattern/{step:06d}/prediction", report.logits.argmax(1))


def _warm_up(setup: Training) -> None:
    """Two steps of either kind on throw-away copies: start-up costs are charged to no run."""
    model = copy.deepcopy(setup.model).train()
    optimizer = setup.make_optimizer(model.parameters())
    method = setup.make_method()
    cost = CostMeter(setup.device)
    streams = run_streams(0, setup.device)
    rows = torch.arange(setup.large_batch_size, device=setup.device)
    with drawing_from(streams.noise):
        for _ in range(2):
            train_step(model, optimizer, method, setup.batch_size, streams, cost)
            if method.selector.uses_scores:
                candidates = setup.dataset.train.batch(rows)
                method.selector(method.score(model, candidates), setup.batch_size, streams.select)
