"""Runs with a validation set: what is recorded, and what does not change."""

import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.engine.accounting import record_evaluation
from cdfis_bench.engine.batched_seeds.train import train_batched_seeds
from cdfis_bench.engine.evaluate import evaluate
from cdfis_bench.engine.loop import train
from cdfis_bench.engine.state import RunState
from cdfis_bench.records.identity import arm_id
from cdfis_bench.records.schema import VALIDATION_COLUMNS
from tests.engine.small import Memory, numbers, resolved, run, setup
from tests.engine.test_resume import saved_copy

HELD_OUT = "dataset.validation_fraction=0.2"


def test_every_row_and_the_summary_evaluate_the_validation_set():
    training, memory = setup("method=loss_cdf", HELD_OUT), Memory()
    summary = train(training, memory)
    loss, accuracy = evaluate(training.model, training.dataset.validation, 100)
    assert summary["validation_loss"] == pytest.approx(loss, rel=1e-6)
    assert summary["validation_accuracy"] == accuracy
    assert [row["validation_accuracy"] for row in memory.rows][-1] == accuracy
    assert all(row["validation_loss"] > 0 for row in memory.rows)
    assert len(memory.arrays["selected_count"]) == len(training.dataset.train) == 2400
    assert {*VALIDATION_COLUMNS} <= summary.to_json().keys()


def test_without_one_the_columns_are_absent():
    memory, summary = run()
    assert not {*VALIDATION_COLUMNS} & {*memory.rows[-1], *summary.to_json()}
    assert summary["validation_accuracy"] is None


def test_the_default_changes_no_id_and_a_fraction_does():
    config = resolved()
    before = resolved()
    del before["dataset"]["validation_fraction"], before["dataset"]["target"]
    assert arm_id(config, "cpu") == arm_id(before, "cpu")
    config["dataset"]["target"] = {"accuracy": 0.9, "of": "test"}
    assert arm_id(config, "cpu") == arm_id(before, "cpu")
    assert arm_id(resolved(HELD_OUT), "cpu") != arm_id(before, "cpu")


def test_evaluating_it_does_not_change_the_training(monkeypatch):
    evaluated = numbers(run("method=loss_cdf", HELD_OUT)[0].rows)
    monkeypatch.setattr("cdfis_bench.engine.accounting._validate", lambda setup, state: {})
    silent = numbers(run("method=loss_cdf", HELD_OUT)[0].rows)
    assert silent == [
        {k: v for k, v in row.items() if k not in VALIDATION_COLUMNS} for row in evaluated
    ]


def test_a_resumed_run_goes_on_with_the_same_validation_set():
    overrides = ["method=loss_cdf", "threshold.fraction=0.95", HELD_OUT, "checkpoint_every=20"]
    whole, rest, states = Memory(), Memory(), []
    expected = train(setup(*overrides), whole, save=lambda state: states.append(saved_copy(state)))
    resumed = train(setup(*overrides), rest, saved=states[0])
    assert numbers([resumed.to_json()]) == numbers([expected.to_json()])
    assert numbers(rest.rows) == numbers([row for row in whole.rows if row["step"] > 20])


def test_batched_seeds_have_a_validation_set_each():
    seeds = [setup("method=loss_cdf", HELD_OUT, f"seed={seed}") for seed in (0, 1)]
    memories = [Memory(), Memory()]
    together = train_batched_seeds(seeds, memories)
    for seed, summary in enumerate(together):
        alone, own = run("method=loss_cdf", HELD_OUT, f"seed={seed}")
        first, single = memories[seed].rows[0], alone.rows[0]
        assert first["validation_loss"] == pytest.approx(single["validation_loss"], rel=1e-5)
        assert summary["validation_loss"] == pytest.approx(own["validation_loss"], rel=0.02)


def test_a_validation_loss_that_is_not_finite_is_no_result():
    training = setup(HELD_OUT)
    state = RunState(training)
    training.dataset.validation.samples.x[training.dataset.validation.rows[0]] = torch.inf
    with pytest.raises(UserError, match="training diverged: the validation loss is nan at step 0"):
        record_evaluation(training, state, Memory())


@pytest.mark.parametrize("keep", [1.0, 0.5])
def test_arms_of_a_seed_share_it_whatever_they_keep(keep):
    from cdfis_bench.config.build import build
    from cdfis_bench.runner.pruning import Keep
    from tests.engine.small import configured

    built = build(configured(HELD_OUT, "seed=2"), torch.device("cpu"), Keep(keep))
    whole = setup(HELD_OUT, "seed=2")
    assert torch.equal(built.dataset.validation.rows, whole.dataset.validation.rows)
    assert len(built.dataset.train) == 2400 * keep
    assert not set(built.dataset.train.rows.tolist()) & set(whole.dataset.validation.rows.tolist())


@pytest.mark.parametrize("value", ["-0.1", "1", "nan", "0.0001", "0.95"])
def test_a_fraction_that_cannot_work_is_refused_in_a_sentence(value):
    with pytest.raises(UserError, match=r"dataset\.validation_fraction=") as refused:
        setup(f"dataset.validation_fraction={value}")
    assert "\n" not in str(refused.value)
