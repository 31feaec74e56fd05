"""The figures of the cost to a target, checked through their CSV and JSON."""

import json

import numpy as np
import pandas as pd
import pytest

from cdfis_bench.analysis.experiment import Experiment
from cdfis_bench.core.errors import UserError
from cdfis_bench.figures.curves import Curves
from cdfis_bench.figures.performance_profile import PerformanceProfile
from cdfis_bench.figures.time_to_target import TimeToTarget
from cdfis_bench.records.experiment import Job, note_job
from tests.analysis.fabricate import CPU, GPU, experiment, run

STEPS = (0, 10, 20, 30, 40)
EARLY, LATE, NEVER = (0.1, 0.8, 0.8, 0.9, 0.9), (0.1, 0.1, 0.1, 0.8, 0.8), (0.1,) * 5
OF = {"two_circles": {"accuracy": 0.8, "of": "validation"}}


def arm(tmp_path, method, *curves, **values):
    return [
        run(tmp_path, method, seed, steps=STEPS, accuracy=NEVER, validation=curve, **values)
        for seed, curve in enumerate(curves)
    ]


def test_the_files_say_what_each_seed_and_arm_needed(tmp_path):
    runs = [*arm(tmp_path, "uniform", EARLY, LATE), *arm(tmp_path, "rs2", LATE, NEVER)]
    runs += arm(tmp_path, "divbs", NEVER, NEVER)
    figure = TimeToTarget(x="steps", of_datasets=OF)
    paths = figure.draw(experiment(*runs), tmp_path / "out")
    assert [path.suffix for path in paths] == [".png", ".pdf", ".csv", ".json"]
    table = pd.read_csv(paths[2])
    assert table["cost"].tolist() == [20, 40, 40, np.inf, np.inf, np.inf]
    assert (table["target"] == 0.8).all() and (table["of"] == "validation").all()
    said = {row["label"]: row for row in json.loads(paths[3].read_text())["arms"]}
    assert said["uniform"]["median"] == 30 and said["uniform"]["low"] is None
    assert said["rs2"]["median"] == said["rs2"]["relative"] == "never" and said["rs2"]["pairs"] == 2
    assert said["divbs"]["never"] == 2


def test_what_cannot_be_drawn_is_refused(tmp_path):
    runs = [run(tmp_path, "uniform", 0), run(tmp_path, "rs2", 0, hardware=GPU)]
    with pytest.raises(UserError, match="seconds would mix runs from different hardware"):
        TimeToTarget("seconds", 0.8, "test").draw(experiment(*runs), tmp_path / "out")
    with pytest.raises(UserError, match="has no validation set"):
        TimeToTarget(target=0.8).draw(experiment(*runs), tmp_path / "out")
    with pytest.raises(UserError, match="has no validation set"):
        Curves(y="validation_accuracy").draw(experiment(*runs), tmp_path / "out")
    with pytest.raises(UserError, match=r"figure\.x='hours' is not known"):
        TimeToTarget(x="hours")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("figure", [TimeToTarget, PerformanceProfile])
def test_a_sweep_that_could_not_be_drawn_is_refused_before_it_starts(figure):
    with pytest.raises(UserError, match=r"no target for dataset=mnist; give one: figure\.target"):
        figure(of_datasets=OF).check_dataset({"name": "mnist"})
    with pytest.raises(UserError, match=r"but dataset\.validation_fraction is 0"):
        figure(of_datasets=OF).check_dataset({"name": "two_circles", "validation_fraction": 0})
    figure(of_datasets=OF).check_dataset({"name": "two_circles", "validation_fraction": 0.1})
    figure(of="test", of_datasets=OF).check_dataset({"name": "two_circles"})


def test_uniform_sampling_at_other_budgets_is_left_out(tmp_path):
    runs = [*arm(tmp_path, "uniform", LATE), *arm(tmp_path, "rs2", EARLY)]
    longer = {"scale": 1, "multiple": 2}
    runs += arm(tmp_path, "uniform", EARLY, arm="x2", budget=longer)
    for figure in (TimeToTarget, PerformanceProfile):
        paths = figure(x="steps", of_datasets=OF).draw(experiment(*runs), tmp_path / "out")
        assert sorted(pd.read_csv(paths[2])["cost"]) == [20, 40]


def noted(results, name, runs):
    for number, stored in enumerate(runs):
        job = Job(number, [f"seed={number}"], "computed", run=stored.name)
        note_job(results, name, job)
    return Experiment(name, runs)


def test_a_profile_over_two_experiments(tmp_path):
    one = [*arm(tmp_path, "uniform", EARLY), *arm(tmp_path, "rs2", LATE)]
    two = [
        *arm(tmp_path, "uniform", LATE, arm="u2", dataset__name="mnist"),
        *arm(tmp_path, "rs2", EARLY, arm="r2", dataset__name="mnist"),
        *arm(tmp_path, "divbs", EARLY, arm="d2", dataset__name="mnist"),
    ]
    first = noted(tmp_path, "one", one)
    noted(tmp_path, "two", two)
    figure = PerformanceProfile(
        ["one", "two"], "steps", of_datasets=OF | {"mnist": OF["two_circles"]},
        results_dir=str(tmp_path),
    )  # fmt: skip
    paths = figure.draw(first, tmp_path / "out")
    said = json.loads(paths[3].read_text())
    # Each is the fastest once, and needs twice the steps of the fastest once: (3 + 2) / 6.
    assert said["scores"] == pytest.approx({"uniform": 5 / 6, "rs2": 5 / 6})
    assert said["left_out"] == ["divbs"] and set(said["experiments"]) == {"one", "two"}
    table = pd.read_csv(paths[2]).set_index(["workload", "method"])
    assert table.loc[("one: two_circles", "rs2"), "ratio"] == 2 and len(table) == 4


def test_a_profile_of_one_experiment_where_nobody_reaches_the_target(tmp_path):
    runs = [*arm(tmp_path, "uniform", NEVER), *arm(tmp_path, "rs2", NEVER)]
    figure = PerformanceProfile(x="steps", of_datasets=OF)
    paths = figure.draw(experiment(*runs), tmp_path / "out")
    assert json.loads(paths[3].read_text())["scores"] == {"uniform": 0, "rs2": 0}


def test_profiles_that_cannot_work_are_refused(tmp_path):
    with pytest.raises(UserError, match="names an experiment twice"):
        PerformanceProfile(["one", "one"])
    with pytest.raises(UserError, match=r"figure\.experiments"):
        PerformanceProfile(["../one"])
    with pytest.raises(UserError, match=r"figure\.max_ratio=1"):
        PerformanceProfile(max_ratio=1)
    with pytest.raises(UserError, match="nowhere: no run is finished"):
        figure = PerformanceProfile(["nowhere"], results_dir=str(tmp_path), of_datasets=OF)
        figure.draw(experiment(), tmp_path / "out")
    with pytest.raises(UserError, match="fewer than two methods in common"):
        figure = PerformanceProfile(of_datasets=OF)
        figure.draw(experiment(*arm(tmp_path, "uniform", EARLY)), tmp_path / "out")
    with pytest.raises(UserError, match="several arms of method rs2"):
        twice = [
            *arm(tmp_path, "rs2", EARLY, hardware=CPU),
            *arm(tmp_path, "rs2", LATE, arm="rs2b", large_batch_size=64),
        ]
        PerformanceProfile(of_datasets=OF).draw(experiment(*twice), tmp_path / "out")
