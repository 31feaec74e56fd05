"""budget.scale and the presets of the yardstick."""

import pytest

from cdfis_bench.config.build import check_values
from cdfis_bench.core.errors import UserError
from cdfis_bench.records.identity import arm_id
from tests.engine.small import configured, resolved, run, setup

YARDSTICK = {"05": 0.5, "075": 0.75, "15": 1.5, "2": 2, "3": 3}


@pytest.mark.parametrize(("name", "multiple"), YARDSTICK.items())
def test_the_yardstick_is_uniform_sampling_with_another_budget(name, multiple):
    config = resolved(f"method=uniform_x{name}")
    assert config["method"] == "uniform" and config["budget"]["multiple"] == multiple
    plain = resolved("method=uniform")
    plain["budget"]["multiple"] = config["budget"]["multiple"]
    assert (
        arm_id(plain, "cpu") == arm_id(config, "cpu") != arm_id(resolved("method=uniform"), "cpu")
    )


def test_a_factor_of_one_changes_no_identity():
    config = resolved("method=loss_cdf")
    here = arm_id(config, "cpu")
    assert config["budget"].pop("scale") == config["budget"].pop("multiple") == 1
    assert arm_id(config, "cpu") == here


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["method=uniform_x2", "budget.scale=0.5"], ["method=uniform"]),
        (["method=uniform_x3", "budget.scale=0.1"], ["method=uniform", "budget.scale=0.3"]),
        (["method=uniform", "budget.scale=2"], ["method=uniform_x2"]),
    ],
)
def test_the_same_budget_is_the_same_run_however_it_is_written(one, other):
    assert arm_id(resolved(*one), "cpu") == arm_id(resolved(*other), "cpu")


def test_every_limit_is_scaled():
    limits = ["budget.steps=41", "budget.train_seconds=3", "budget.uniform_steps=9"]
    made = setup(*limits, "budget.scale=0.5").budget
    assert (made.steps, made.train_seconds, made._limits["uniform_steps"]) == (20, 1.5, 4)
    assert setup("budget.steps=3", "budget.scale=0.001").budget.steps == 1


def test_a_schedule_decays_to_the_end_of_the_scaled_budget():
    memory, summary = run("method=uniform_x15", "schedule=linear", "budget.steps=20")
    assert summary["steps"] == 30 and memory.rows[-1]["step"] == 30


def test_what_follows_the_budget_follows_the_scaled_one():
    assert resolved("method=rho", "budget.steps=1000")["metric"]["steps"] == 100
    assert resolved("method=rho", "budget.steps=1000", "budget.scale=3")["metric"]["steps"] == 300


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "1e7"])
@pytest.mark.parametrize("key", ["scale", "multiple"])
def test_a_factor_that_cannot_work_is_refused(key, value):
    with pytest.raises(UserError, match=rf"budget\.{key}"):
        check_values(configured(f"budget.{key}={value}"))
