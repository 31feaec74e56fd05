"""What is recorded of steps and evaluations; the same for single and batched seeds."""

import math

import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.summary import Summary
from cdfis_bench.core.types import Observation, Recorder, Samples
from cdfis_bench.engine.evaluate import evaluate
from cdfis_bench.engine.meters import diagnostics
from cdfis_bench.engine.meters.learning import EL2N_AFTER, error_norms
from cdfis_bench.engine.meters.selection_cost import selection_cost
from cdfis_bench.engine.predict import predictions
from cdfis_bench.engine.setup import RunSetup
from cdfis_bench.engine.state import RunState
from cdfis_bench.engine.step import StepReport


def begin_step(state: RunState, progress: float) -> None:
    """Prepares a step; progress: share of the budget spent before it."""
    state.context.progress = progress
    state.learning_rate.set(progress, state.method)


def count_step(setup: RunSetup, state: RunState, recorder: Recorder, report: StepReport) -> None:
    """Counts a step that was made, and shows it to the threshold.

    Raises:
        UserError: If a loss that is known by now is not finite.
    """
    mini_batch, batch = report.mini_batch, report.mini_batch.batch
    if setup.pattern_every and state.step % setup.pattern_every == 0:
        _record_pattern(recorder, state.step, report)
    if mini_batch.is_new_selection or state.step % diagnostics.EVERY == 0:
        for name, value in diagnostics.selection_diagnostics(mini_batch).items():
            state.tally.add(name, value)
    state.context.step += 1
    state.open_steps += report.gate_open
    state.tally.add("train_loss", report.mean_loss)
    if mini_batch.selection is not None:
        state.tally.add("fallbacks", mini_batch.selection.fallback)
        if mini_batch.selection.random_share is not None:
            state.tally.add("random_share", mini_batch.selection.random_share)
    state.counts.add(mini_batch.offered, batch.index)
    if state.learning is not None:
        state.learning.add(batch.index, batch.y, report.logits)
    _show_threshold(state, report)


def _show_threshold(state: RunState, report: StepReport) -> None:
    threshold, progress = state.method.threshold, state.context.progress
    values = [report.mean_loss] if report.tau is None else [report.mean_loss, report.tau]
    for due in state.reader.put(state.step, progress, values):
        _check_finite("mini-batch", due.values[0], due.step)
        if threshold.needs_loss or threshold.needs_scores:
            threshold.update(Observation(due.step, due.progress, *due.values))
    if not (threshold.needs_loss or threshold.needs_scores):
        threshold.update(Observation(state.step, progress))  # needs no value from the device
    state.note_gate()


def _check_finite(of: str, loss: float, step: int) -> None:
    if not math.isfinite(loss):
        raise UserError(
            f"training diverged: the {of} loss is {loss} at step {step}; lower optimizer.lr"
        )


def record_evaluation(setup: RunSetup, state: RunState, recorder: Recorder) -> dict[str, float]:
    """Records a row of the curve.

    Returns:
        Its values that the summary repeats.

    Raises:
        UserError: If the test or validation loss is not finite.
    """
    with state.cost("eval"):
        test_loss, accuracy = evaluate(state.model, setup.dataset.test, setup.eval_chunk_size)
        validated = _validate(setup, state)
        _take_el2n(setup, state)
    _check_finite("test", test_loss, state.step)
    if validated:
        _check_finite("validation", validated["validation_loss"], state.step)
    final = {
        "fallback_count": int(state.tally.total("fallbacks")),
        "test_loss": test_loss,
        "test_accuracy": accuracy,
        **validated,
    }
    means = ("train_loss", *diagnostics.NAMES)
    recorder.row(
        "curve",
        step=state.step,
        **state.cost.totals(),
        gate_open=state.method.threshold.open,
        **{name: state.tally.mean(name) for name in means},
        **final,
    )
    state.tally.reset(*means)
    state.method.threshold.on_evaluation(test_loss)
    state.note_gate()
    return final


def _validate(setup: RunSetup, state: RunState) -> dict[str, float]:
    """The columns of the validation set; empty without one."""
    if setup.dataset.validation is None:
        return {}
    loss, accuracy = evaluate(state.model, setup.dataset.validation, setup.eval_chunk_size)
    return {"validation_loss": loss, "validation_accuracy": accuracy}


def _take_el2n(setup: RunSetup, state: RunState) -> None:
    """At the first evaluation after EL2N_AFTER of the budget."""
    learning = state.learning
    if learning is None or learning.el2n is not None:
        return
    if setup.budget.progress(state.step, state.cost) >= EL2N_AFTER:
        learning.el2n = error_norms(state.model, setup.dataset.train, setup.eval_chunk_size)


def _record_pattern(recorder: Recorder, step: int, report: StepReport) -> None:
    """The samples that step `step` trains on, and their predicted classes (paper, figure 1)."""
    batch = report.mini_batch.batch
    recorder.array(f"pattern/{step:06d}/x", batch.x)
    recorder.array(f"pattern/{step:06d}/index", batch.index)
    recorder.array(f"pattern/{step:06d}/prediction", report.logits.argmax(1))


def conclude(
    setup: RunSetup, state: RunState, recorder: Recorder, final: dict[str, float]
) -> Summary:
    """Records the arrays and returns the summary; final: of the last record_evaluation.

    Raises:
        UserError: If a loss that was still on the device is not finite.
    """
    for due in state.reader.flush():
        _check_finite("mini-batch", due.values[0], due.step)
    for meter in (state.counts, state.learning):
        for name, values in ({} if meter is None else meter.arrays()).items():
            recorder.array(name, values)
    train: Samples = setup.dataset.train
    predicted: torch.Tensor = predictions(state.model, train, setup.eval_chunk_size)
    recorder.array("train_prediction", predicted)
    totals = state.cost.totals()
    return Summary.from_json(
        {
            "steps": state.step,
            "gate_open_step": state.gate_open_step,
            **final,
            **diagnostics.class_shares(train.y, state.counts.selected, setup.dataset.n_classes),
            **totals,
            "random_share": state.tally.mean("random_share"),
            **selection_cost(totals, state.step, state.open_steps),
        }
    )
