"""What is recorded of a step, for every source; what is told of a diverged run."""

import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.parts import Threshold
from cdfis_bench.engine.accounting import begin_step, conclude, count_step, record_evaluation
from cdfis_bench.engine.meters.lagged_reader import StepValues
from cdfis_bench.engine.state import RunState
from cdfis_bench.engine.step import train_step
from cdfis_bench.thresholds.warmup import WarmupThreshold
from tests.engine.small import Memory, run, setup

DIAGNOSTICS = ("score_tau", "distinct_share", "score_bias")


@pytest.mark.parametrize(
    "method", ["loss_cdf", "selective_backprop", "infobatch", "lh15", "adambs", "rais"]
)
def test_every_source_reports_its_selection(method):
    memory, _ = run(f"method={method}", "threshold=always", "dataset.train_size=640")
    rows = [row for row in memory.rows if row["score_tau"] is not None]
    assert rows, "no evaluation has diagnostics"
    for row in rows:
        assert (
            row["score_tau"] > 1 - 1e-9 and row["score_bias"] > 0 and 0 < row["distinct_share"] <= 1
        )


def test_uniform_steps_have_no_diagnostics():
    memory, _ = run("method=uniform")
    assert all(memory.rows[-1][name] is None for name in DIAGNOSTICS)


class Late:
    """Stands for a GPU: values of a step come two steps later."""

    def __init__(self, device):
        self.waiting = []

    def put(self, step, progress, values):
        self.waiting.append(StepValues(step, progress, [value.item() for value in values]))
        return [self.waiting.pop(0)] if len(self.waiting) > 2 else []

    def flush(self):
        return [self.waiting.pop(0) for _ in list(self.waiting)]


@pytest.fixture
def late(monkeypatch):
    monkeypatch.setattr("cdfis_bench.engine.state.LaggedReader", Late)


def state_of(training):
    state = RunState(training)
    record_evaluation(training, state, Memory())
    return state


def steps(training, state, number):
    for _ in range(number):
        begin_step(state, 0.0)
        count_step(training, state, Memory(), train_step(state.context, state.optimizer))


def test_a_threshold_that_needs_no_value_of_the_device_opens_in_time(late):
    training = setup("threshold=warmup", "threshold.steps=3", "threshold.epochs=null")
    state = state_of(training)
    assert isinstance(state.method.threshold, WarmupThreshold)
    steps(training, state, 3)
    assert state.gate_open_step == 3


def test_a_threshold_that_reads_the_loss_sees_step_and_progress_of_that_loss(late):
    seen = []

    class Watching(Threshold):
        open = False

        def update(self, observation):
            seen.append((observation.step, observation.progress))

    training = setup()
    state = state_of(training)
    state.method.threshold = Watching()
    for step in range(5):
        begin_step(state, step / 10)
        count_step(training, state, Memory(), train_step(state.context, state.optimizer))
    assert seen == [(1, 0.0), (2, 0.1), (3, 0.2)]


def test_a_loss_that_is_not_finite_in_the_last_steps_is_no_result(late):
    training = setup()
    state = state_of(training)
    final = {"test_loss": 0.5, "test_accuracy": 0.5, "fallback_count": 0}
    steps(training, state, 3)
    state.reader.waiting[-1].values[0] = float("nan")
    with pytest.raises(UserError, match="training diverged: the mini-batch loss is nan at step 3"):
        conclude(training, state, Memory(), final)


def test_weights_that_are_not_finite_after_the_last_update_are_no_result():
    training = setup()
    state = state_of(training)
    with torch.no_grad():
        next(training.model.parameters()).fill_(torch.nan)
    with pytest.raises(UserError, match="training diverged: the test loss is nan"):
        record_evaluation(training, state, Memory())


def test_a_fallback_of_the_queue_is_counted(monkeypatch):
    def unusable(values, total, low):
        return torch.ones_like(values), torch.tensor(True)

    place = "cdfis_bench.selectors.percentile_bernoulli.uniform_if_unusable"
    monkeypatch.setattr(place, unusable)
    _, summary = run("method=selective_backprop", "threshold=always")
    assert summary["fallback_count"] > 0
