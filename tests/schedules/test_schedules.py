"""Schedules follow the budget, as torch's own follow steps."""

import pytest
import torch
from torch.optim import lr_scheduler

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.schedule import WARMUP_START
from cdfis_bench.engine.batched_seeds.train import train_batched_seeds
from cdfis_bench.engine.loop import train
from cdfis_bench.schedules.constant import ConstantSchedule
from cdfis_bench.schedules.cosine import CosineSchedule
from cdfis_bench.schedules.linear import LinearSchedule
from cdfis_bench.schedules.one_cycle import OneCycleSchedule
from cdfis_bench.schedules.step import StepSchedule
from tests.engine.small import Memory, numbers, run, setup

STEPS = 40
NAMES = ["constant", "cosine", "linear", "one_cycle", "step"]


def optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)


def rates_of_torch(scheduler):
    rates = []
    for _ in range(STEPS):
        rates.append(scheduler.optimizer.param_groups[0]["lr"])
        scheduler.optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize(
    ("ours", "of_torch"),
    [
        (CosineSchedule(), lambda o: lr_scheduler.CosineAnnealingLR(o, STEPS)),
        (CosineSchedule(final=0.1), lambda o: lr_scheduler.CosineAnnealingLR(o, STEPS, 0.1)),
        (LinearSchedule(final=0.2), lambda o: lr_scheduler.LinearLR(o, 1.0, 0.2, STEPS)),
        (StepSchedule(), lambda o: lr_scheduler.MultiStepLR(o, [20, 30])),
    ],
    ids=["cosine", "cosine_final", "linear", "step"],
)
def test_rates_are_those_of_torch(ours, of_torch):
    expected = rates_of_torch(of_torch(optimizer()))
    assert [ours.factor(step / STEPS) for step in range(STEPS)] == pytest.approx(expected)


def test_one_cycle_has_torchs_rates_at_its_three_corners():
    expected = rates_of_torch(lr_scheduler.OneCycleLR(optimizer(), 1.0, total_steps=STEPS))
    ours = OneCycleSchedule()
    assert ours.factor(0) == pytest.approx(expected[0])
    assert ours.factor(0.3) == pytest.approx(max(expected))
    assert ours.factor(1) == pytest.approx(expected[-1], rel=1e-6)


@pytest.mark.parametrize(
    "schedule",
    [ConstantSchedule(0.25), CosineSchedule(0.25), LinearSchedule(0.25), StepSchedule(0.25)],
)
def test_a_warm_up_rises_linearly_to_the_full_rate(schedule):
    rising = [schedule.factor(p / 100) for p in range(25)]
    assert rising[0] == WARMUP_START
    differences = torch.tensor(rising).diff()
    assert torch.allclose(differences, differences[:1]) and differences[0] > 0
    assert schedule.factor(0.25) == pytest.approx(1)


@pytest.mark.parametrize("name", NAMES)
def test_every_arm_ends_at_the_end_of_its_own_budget(name):
    """Equal cost: an arm that scores makes fewer steps, and still ends at the last rate."""
    factor = setup(f"schedule={name}").schedule.factor
    for budget in ("budget.steps=8", "budget.steps=null budget.uniform_steps=8"):
        one = setup("method=loss_cdf_now", f"schedule={name}", *budget.split())
        rates = []
        original = one.schedule.factor

        def watched(progress, original=original, rates=rates):
            rates.append(progress)
            return original(progress)

        one.schedule.factor = watched
        summary = train(one, Memory())
        assert len(rates) == summary.steps and rates[0] == 0
        assert rates[-1] + rates[1] >= 1, "the last step is not that of the end"
        assert factor(rates[-1]) <= factor(rates[1]) or name in ("constant", "one_cycle")


def test_constant_is_the_run_without_a_schedule_and_others_are_not():
    plain = numbers(run("method=loss_cdf")[0].rows)
    assert numbers(run("method=loss_cdf", "schedule=constant")[0].rows) == plain
    assert numbers(run("method=loss_cdf", "schedule=cosine")[0].rows) != plain


def test_the_selectors_factor_and_the_schedule_multiply():
    one = setup("method=rais", "schedule=linear", "threshold=always")
    from cdfis_bench.engine.accounting import begin_step
    from cdfis_bench.engine.state import RunState

    state = RunState(one)
    state.method.selector.learning_rate_factor = 3.0
    begin_step(state, 0.5)
    rate = one.make_optimizer(one.model.parameters()).param_groups[0]["lr"]
    assert state.optimizer.param_groups[0]["lr"] == pytest.approx(1.5 * rate)


@pytest.mark.parametrize("name", NAMES)
def test_batched_seeds_follow_the_same_schedule(name):
    overrides = ("method=loss_cdf", "threshold.fraction=0.95", f"schedule={name}")
    memories = [Memory() for _ in range(2)]
    train_batched_seeds([setup(*overrides, f"seed={seed}") for seed in range(2)], memories)
    alone = run(*overrides, "seed=1")[0]
    found, expected = (memory.rows[-1]["test_loss"] for memory in (memories[1], alone))
    assert found == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_a_resumed_run_continues_with_the_same_rates(name):
    overrides = ("method=loss_cdf", f"schedule={name}", "checkpoint_every=15")
    states, whole = [], Memory()

    def keep(state):
        import io

        buffer = io.BytesIO()
        torch.save(state, buffer)
        buffer.seek(0)
        states.append(torch.load(buffer))

    expected = train(setup(*overrides), whole, save=keep)
    resumed = train(setup(*overrides), Memory(), saved=states[0])
    assert numbers([resumed.to_json()]) == numbers([expected.to_json()])


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["schedule.warmup=1"], "leaves nothing of the budget"),
        (["schedule=cosine", "schedule.warmup=-0.1"], r"schedule.warmup=-0.1 must be a number"),
        (["schedule=cosine", "schedule.final=2"], r"schedule.final=2 must be a number"),
        (["schedule=one_cycle", "schedule.peak=1"], "schedule.peak=1 must be below 1"),
        (["schedule=step", "schedule.milestones=[0.7,0.5]"], "must be increasing"),
        (["schedule=step", "schedule.gamma=0"], r"schedule.gamma=0 must be a number"),
    ],
)
def test_impossible_values_are_refused(overrides, sentence):
    with pytest.raises(UserError, match=sentence):
        setup(*overrides)


def test_weight_decay_spares_norms_and_biases_on_request():
    one = setup("optimizer=adamw", "optimizer.decay_norms_and_biases=false")
    groups = one.make_optimizer(one.model.parameters()).param_groups
    assert [group["weight_decay"] for group in groups] == [0.01, 0.0]
    assert all(parameter.ndim > 1 for parameter in groups[0]["params"])
    assert all(parameter.ndim == 1 for parameter in groups[1]["params"])
    assert sum(len(group["params"]) for group in groups) == 4
    (only,) = setup("optimizer=sgd").make_optimizer(one.model.parameters()).param_groups
    assert only["momentum"] == 0.9 and only["nesterov"] and len(only["params"]) == 4
