"""What there is of an experiment, what is missing of it, and its curves as a table."""

import shutil

import numpy as np

from cdfis_bench.analysis.experiment import load_experiment
from cdfis_bench.analysis.labels import arm_labels
from cdfis_bench.analysis.table import curves, mean_curves
from cdfis_bench.records.run_writer import RunWriter
from cdfis_bench.records.schema import CURVE_COLUMNS
from tests.analysis.fabricate import note, run


def test_finished_runs_are_there_once_in_the_order_of_the_jobs(tmp_path):
    runs = [run(tmp_path, seed=s) for s in (3, 1, 2)]
    for number, stored in enumerate([*runs, runs[0]]):
        note(tmp_path, number, stored)
    experiment = load_experiment(tmp_path, "sweep")
    assert [r.name for r in experiment.runs] == [r.name for r in runs]
    assert experiment.missing == [] and experiment.asked_for == 3


def test_what_is_missing_is_listed_with_its_reason_and_raises_nothing(tmp_path):
    runs = [run(tmp_path, seed=s) for s in range(6)]
    for number, stored in enumerate(runs):
        note(tmp_path, number, stored)
    (runs[1].folder / "curve.jsonl").write_text('{"step": 0')
    (runs[2].folder / "run.json").write_text("{")
    (runs[3].folder / "arrays.h5").write_text("nothing")
    shutil.rmtree(runs[4].folder)
    RunWriter.begin(runs[5].folder, runs[5].record.but(summary=None))  # being computed again
    note(tmp_path, 6, error="training diverged")
    note(tmp_path, 7, status="running")
    experiment = load_experiment(tmp_path, "sweep")
    assert [r.name for r in experiment.runs] == [runs[0].name]
    assert [overrides for overrides, _ in experiment.missing] == [f"seed={i}" for i in range(1, 8)]
    reasons = [reason for _, reason in experiment.missing]
    for reason, said in zip(
        reasons,
        (
            "curve.jsonl",
            "run.json",
            "arrays.h5",
            "is gone",
            "status running",
            "diverged",
            "not fin",
        ),
        strict=True,
    ):
        assert said in reason and "\n" not in reason


def test_an_experiment_that_never_was_is_empty(tmp_path):
    assert load_experiment(tmp_path, "sweep").asked_for == 0


def test_the_table_has_a_row_per_run_and_evaluation(tmp_path):
    runs = [run(tmp_path, seed=0), run(tmp_path, seed=1, steps=(0, 7), accuracy=(0.5, 0.6))]
    table = curves(runs, arm_labels(runs))
    assert list(table)[:4] == ["label", "arm", "run", "seed"]
    assert set(CURVE_COLUMNS) < set(table)
    assert table["seed"].tolist() == [0, 0, 0, 1, 1]
    assert table["step"].tolist() == [0, 50, 100, 0, 7]
    assert np.isnan(table["train_loss"][0]) and table["train_loss"].dtype == float
    # A backward pass counts as two forward ones: 10 * step + 2 * step.
    assert table["sample_forward_equivalents"].tolist() == [0, 600, 1200, 0, 84]


def test_mean_curves_by_hand(tmp_path):
    runs = [
        run(tmp_path, seed=0, accuracy=(0.5, 0.6, 0.8), step_seconds=0.01),
        run(tmp_path, seed=1, accuracy=(0.5, 0.8, 1.0), step_seconds=0.02),
    ]
    table = curves(runs, arm_labels(runs))
    means = mean_curves(table, ["step", "train_seconds"], ["test_accuracy", "train_loss"])
    panels = {key: part for key, part in means.groupby(["panel_x", "panel_y"])}
    over_steps = panels["step", "test_accuracy"]
    assert over_steps["x"].tolist() == [0, 50, 100]
    assert np.allclose(over_steps["mean"], [0.5, 0.7, 0.9])
    assert np.allclose(over_steps["high"] - over_steps["mean"], [0, 1.2706204736, 1.2706204736])
    assert panels["step", "train_loss"]["x"].tolist() == [50, 100], "null at step 0 is no point"
    # At 1 s the first run is at its end (0.8), the second at step 50 (0.8).
    over_seconds = panels["train_seconds", "test_accuracy"]
    at_one = over_seconds[over_seconds["x"] == 1]
    assert np.isclose(at_one["mean"].item(), 0.8) and at_one["n"].item() == 2
    # Then the first keeps its last value while the second goes on: both ends are final values.
    assert (over_seconds["x"].iloc[0], over_seconds["x"].iloc[-1]) == (0, 2)
    assert np.isclose(over_seconds["mean"].iloc[-1], 0.9)
    assert over_seconds["n"].iloc[-1] == 1 and set(over_steps["n"]) == {2}
