"""Figures are checked through the numbers that they say they drew."""

import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from cdfis_bench.analysis.experiment import Experiment, load_experiment
from cdfis_bench.core.errors import UserError
from cdfis_bench.figures.curves import Curves
from cdfis_bench.figures.patterns import Patterns
from cdfis_bench.figures.single import draw_single
from tests.analysis.made_runs import HARDWARE, make_run, note

FIVE = np.array([[0.0, 0.0], [0.5, 0.5], [-0.5, 0.5], [0.9, -0.9], [0.1, 0.2]], dtype=np.float32)


@pytest.fixture(autouse=True)
def _no_figure_left_open():
    yield
    assert plt.get_fignums() == []


def two_arms(folder):
    runs = [
        make_run(folder, "u", 0, method="uniform", accuracies=(0.5, 0.6, 0.7)),
        make_run(folder, "u", 1, method="uniform", accuracies=(0.5, 0.8, 0.9)),
        make_run(folder, "c", 0, gate=5, seconds_per_step=0.02),
    ]
    note(folder, "exp", runs)
    return load_experiment(folder, "exp")


def test_the_drawn_numbers_are_the_means_over_seeds(tmp_path):
    Curves(x=["step"]).draw(two_arms(tmp_path), tmp_path)
    drawn = pd.read_csv(tmp_path / "exp.csv")
    line = drawn[(drawn["label"] == "uniform") & (drawn["panel_y"] == "test_accuracy")]
    assert line["x"].tolist() == [0, 10, 20] and line["n"].tolist() == [2, 2, 2]
    assert line["mean"].tolist() == pytest.approx([0.5, 0.7, 0.8])
    assert line["high"].iloc[2] == pytest.approx(0.8 + 12.7062 * 0.1, rel=1e-4)
    loss = drawn[(drawn["label"] == "uniform") & (drawn["panel_y"] == "train_loss")]
    assert loss["x"].tolist() == [10, 20], "there is no training loss at step 0"
    alone = drawn[drawn["label"] == "loss_cdf"]
    assert alone["low"].isna().all() and (alone["n"] == 1).all()


def test_every_panel_and_arm_is_drawn(tmp_path):
    paths = Curves(x=["train_seconds", "step"]).draw(two_arms(tmp_path), tmp_path)
    assert [path.suffix for path in paths] == [".png", ".pdf", ".csv", ".json"]
    assert all(path.stat().st_size > 0 for path in paths)
    drawn = pd.read_csv(tmp_path / "exp.csv")
    assert len(drawn.groupby(["panel_x", "panel_y", "label"])) == 8


def test_seconds_are_interpolated_before_averaging(tmp_path):
    runs = [
        make_run(tmp_path, "u", 0, accuracies=(0.0, 0.5, 1.0), seconds_per_step=0.1),
        make_run(tmp_path, "u", 1, accuracies=(0.0, 0.5, 1.0), seconds_per_step=0.2),
    ]
    Curves(x=["train_seconds"], y=["test_accuracy"]).draw(Experiment("exp", runs), tmp_path)
    drawn = pd.read_csv(tmp_path / "exp.csv")
    assert drawn["x"].max() == pytest.approx(2.0), "not beyond what every run reached"
    assert np.allclose(drawn["mean"], drawn["x"] * (1 / 2 + 1 / 4) / 2)


def test_the_same_experiment_drawn_twice_is_the_same_pdf(tmp_path):
    experiment = two_arms(tmp_path)
    first, second = (Curves().draw(experiment, tmp_path)[1].read_bytes() for _ in range(2))
    assert first == second


def test_the_json_names_runs_data_and_what_is_missing(tmp_path):
    experiment = two_arms(tmp_path)
    (experiment.runs[0].folder / "run.json").unlink()
    Curves().draw(load_experiment(tmp_path, "exp"), tmp_path)
    about = json.loads((tmp_path / "exp.json").read_text())
    assert set(about["runs"]) == {"u-s1", "c-s0"}
    assert about["data"] == ["Made Data"] and about["seeds"] == {"uniform": 1, "loss_cdf": 1}
    assert len(about["missing"]) == 1 and "u-s0" in about["missing"][0]["reason"]


def test_seconds_of_different_hardware_are_not_mixed(tmp_path):
    runs = [
        make_run(tmp_path, "a", 0),
        make_run(tmp_path, "b", 0, hardware={**HARDWARE, "cpu_threads": 8}),
    ]
    experiment = Experiment("exp", runs)
    with pytest.raises(UserError, match="different hardware"):
        Curves(x=["train_seconds"]).draw(experiment, tmp_path)
    Curves(x=["step"]).draw(experiment, tmp_path)
    Curves(x=["train_seconds"], allow_mixed=True).draw(experiment, tmp_path)


def test_nothing_finished_is_one_sentence(tmp_path):
    for figure in (Curves(), Patterns()):
        with pytest.raises(UserError, match="no run is finished"):
            figure.draw(Experiment("exp", []), tmp_path)


def test_an_unknown_axis_is_refused_when_the_figure_is_made():
    with pytest.raises(UserError, match="seconds cannot be an axis"):
        Curves(x=["seconds"])


def test_a_run_draws_its_own_curve(tmp_path):
    (path,) = draw_single(make_run(tmp_path, "a", 0, gate=5))
    assert path.name == "curve.png" and path.stat().st_size > 0


def test_patterns_are_the_recorded_samples_of_the_lowest_seed(tmp_path):
    runs = [
        make_run(tmp_path, "a", 3, pattern=FIVE * 0),
        make_run(tmp_path, "a", 1, pattern=FIVE),
        make_run(tmp_path, "b", 1, pattern=FIVE[::-1].copy(), method="loss_topk"),
    ]
    Patterns(order=["loss_topk", "loss_cdf"]).draw(Experiment("exp", runs), tmp_path)
    drawn = pd.read_csv(tmp_path / "exp.csv")
    assert drawn["label"].unique().tolist() == ["loss_topk", "loss_cdf"]
    mine = drawn[drawn["label"] == "loss_cdf"]
    assert np.allclose(mine[["x0", "x1"]], FIVE) and set(mine["seed"]) == {1}
    assert mine["prediction"].tolist() == [0, 1, 0, 1, 0]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [(None, "recorded no sampling patterns"), (np.zeros((4, 3), np.float32), "two-dimensional")],
)
def test_patterns_that_cannot_be_drawn_are_refused(tmp_path, pattern, message):
    with pytest.raises(UserError, match=message):
        Patterns().draw(Experiment("e", [make_run(tmp_path, "a", 0, pattern=pattern)]), tmp_path)
