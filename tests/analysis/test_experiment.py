"""What an experiment consists of, what is missing, and what its arms are called."""

import numpy as np
import pytest

from cdfis_bench.analysis.closing import closing_table, closing_text
from cdfis_bench.analysis.experiment import load_experiment
from cdfis_bench.analysis.labels import arm_labels
from cdfis_bench.analysis.table import curves
from cdfis_bench.core.errors import UserError
from cdfis_bench.records.experiment import Job, note_job
from tests.analysis.made_runs import make_run, note


def test_finished_runs_are_found_once_and_in_order(tmp_path):
    runs = [make_run(tmp_path, arm, seed) for arm in ("b", "a") for seed in (0, 1)]
    note(tmp_path, "exp", [*runs, runs[0]])
    assert [run.name for run in load_experiment(tmp_path, "exp").runs] == [r.name for r in runs]


def test_what_is_missing_is_listed_with_its_reason(tmp_path):
    gone, damaged, kept = (make_run(tmp_path, arm, 0) for arm in ("gone", "damaged", "kept"))
    note(tmp_path, "exp", [gone, damaged, kept])
    note_job(tmp_path, "exp", Job(3, ["lr=-1"], "failed", error="Invalid learning rate: -1"))
    note_job(tmp_path, "exp", Job(4, ["seed=9"], "running"))
    (gone.folder / "run.json").unlink()
    (damaged.folder / "curve.jsonl").write_text("{")
    experiment = load_experiment(tmp_path, "exp")
    assert [run.name for run in experiment.runs] == ["kept-s0"]
    reasons = [reason for _, reason in experiment.missing]
    assert "gone-s0 is gone" in reasons[0] and "is damaged" in reasons[1]
    assert reasons[2] == "Invalid learning rate: -1" and "process ended" in reasons[3]
    text = closing_text(experiment)
    assert all(reason in text for reason in reasons)


def test_equal_reasons_are_told_once(tmp_path):
    for number in range(3):
        note_job(tmp_path, "exp", Job(number, [f"seed={number}"], "failed", error="no GPU"))
    assert "missing: 3 runs: no GPU" in closing_text(load_experiment(tmp_path, "exp"))


def test_two_arms_never_share_a_label(tmp_path):
    def config(lr, fraction):
        return {"optimizer": {"lr": lr}, "threshold": {"fraction": fraction}, "seed": 0}

    runs = [
        make_run(tmp_path, "a", 0, config=config(0.1, 0.5)),
        make_run(tmp_path, "b", 0, config=config(0.2, 0.5)),
        make_run(tmp_path, "c", 0, config=config(0.2, 0.7)),
        make_run(tmp_path, "u", 0, config=config(0.1, 0), method="uniform"),
    ]
    labels = arm_labels(runs)
    assert len(set(labels.values())) == 4
    assert labels["u"] == "uniform"
    assert labels["a"] == "loss_cdf lr=0.1 fraction=0.5"
    by_fraction = arm_labels(runs, "threshold.fraction")
    assert by_fraction["c"] == "0.7" and by_fraction["u"] == "uniform"
    assert by_fraction["a"] == "0.5 lr=0.1"


def test_arms_that_differ_in_no_key_are_told_apart_by_id(tmp_path):
    labels = arm_labels([make_run(tmp_path, arm, 0) for arm in ("a", "b")])
    assert labels == {"a": "loss_cdf id=a", "b": "loss_cdf id=b"}


def test_an_unknown_hue_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"figure\.hue=threshold\.fracton"):
        arm_labels([make_run(tmp_path, "a", 0)], "threshold.fracton")


def test_the_table_has_a_row_per_evaluation(tmp_path):
    runs = [make_run(tmp_path, "a", seed) for seed in (0, 1)]
    table = curves(runs, {"a": "A"})
    assert len(table) == 6 and set(table["run"]) == {"a-s0", "a-s1"}
    assert table["sample_forward_equivalents"].tolist()[:3] == [0, 120, 240]
    assert np.isnan(table["train_loss"].iloc[0])


def test_the_closing_table_pairs_seeds_and_compares_costs(tmp_path):
    for seed, (u, c) in enumerate([(0.5, 0.6), (0.7, 0.9)]):
        make = {"accuracies": (0.1, 0.99, u), "method": "uniform", "seconds_per_step": 0.01}
        note_job(
            tmp_path,
            "exp",
            Job(seed, [], "computed", "m", make_run(tmp_path, "u", seed, **make).name),
        )
        make = {"accuracies": (0.1, 0.2, c), "seconds_per_step": 0.03, "gate": 4 + 2 * seed}
        note_job(
            tmp_path,
            "exp",
            Job(9 + seed, [], "computed", "m", make_run(tmp_path, "c", seed, **make).name),
        )
    table = closing_table(load_experiment(tmp_path, "exp")).set_index("arm")
    assert table.loc["uniform", "test_accuracy"] == pytest.approx(0.6), (
        "the last value, not the best"
    )
    assert table.loc["loss_cdf", "minus_uniform"] == pytest.approx(0.15)
    half = 12.7062 * np.std([0.1, 0.2], ddof=1) / 2**0.5  # t quantile of one degree of freedom
    assert table.loc["loss_cdf", "minus_uniform_high"] == pytest.approx(0.15 + half, rel=1e-4)
    assert table.loc["loss_cdf", "relative_cost"] == pytest.approx(3)
    assert table.loc["loss_cdf", "gate_open_step"] == 5
    assert np.isnan(table.loc["uniform", "gate_open_step"])
