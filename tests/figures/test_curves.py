"""Curve figures, checked through their CSV and JSON."""

import json

import matplotlib.pyplot
import numpy as np
import pandas as pd
import pytest
from matplotlib import rcParams

from cdfis_bench.core.errors import UserError
from cdfis_bench.figures.curves import Curves
from cdfis_bench.figures.limits import y_limits
from tests.analysis.fabricate import CPU, GPU, experiment, run


@pytest.fixture(autouse=True)
def _nothing_stays_open():
    before = dict(rcParams)
    yield
    assert matplotlib.pyplot.get_fignums() == []
    assert dict(rcParams) == before


def drawn(folder):
    return pd.read_csv(folder / "sweep.csv", dtype={"label": str})


def about(folder):
    return json.loads((folder / "sweep.json").read_text())


def test_the_csv_is_what_hand_computed_means_are(tmp_path):
    runs = experiment(
        run(tmp_path, "uniform", 0, accuracy=(0.5, 0.6, 0.7), gate=None),
        run(tmp_path, "uniform", 1, accuracy=(0.5, 0.8, 0.9), gate=None),
        run(tmp_path, "loss_cdf", 0, accuracy=(0.4, 0.9, 1.0)),
        missing=[("seed=1 method=loss_cdf", "training diverged")],
    )
    paths = Curves(x=["step", "train_seconds"]).draw(runs, tmp_path / "out")
    assert [path.name for path in paths] == [f"sweep.{e}" for e in ("png", "pdf", "csv", "json")]
    assert all(path.stat().st_size > 100 for path in paths)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {path.name for path in paths}
    table = drawn(tmp_path / "out")
    assert list(table) == ["panel_x", "panel_y", "label", "x", "mean", "low", "high", "n"]
    panel = table[(table["panel_x"] == "step") & (table["panel_y"] == "test_accuracy")]
    uniform, cdf = (panel[panel["label"] == label] for label in ("uniform", "loss_cdf"))
    assert np.allclose(uniform["mean"], [0.5, 0.7, 0.8])
    assert np.allclose(uniform["high"] - uniform["mean"], [0, 1.2706204736, 1.2706204736])
    assert np.allclose(cdf["mean"], [0.4, 0.9, 1.0]) and cdf["low"].isna().all()
    assert (uniform["n"] == 2).all() and (cdf["n"] == 1).all()


def test_the_json_names_runs_seeds_data_and_what_is_missing(tmp_path):
    runs = [run(tmp_path, m, s) for m in ("uniform", "loss_cdf") for s in (0, 1)]
    missing = [("seed=2", "the run folder x is gone")]
    Curves().draw(experiment(*runs, missing=missing), tmp_path / "out")
    said = about(tmp_path / "out")
    assert said["runs"]["loss_cdf"] == {r.name: r.record.id for r in runs[2:]}
    assert said["seeds"] == {"uniform": 2, "loss_cdf": 2}
    assert said["data"] == ["Two Circles"] and said["hardware"] == [runs[0].record.hardware]
    assert said["commits"] == [{"commit": "abc", "dirty": False}]
    assert "t interval" in said["interval"].replace("-", " ")
    assert said["missing"] == [{"overrides": "seed=2", "reason": "the run folder x is gone"}]


def test_drawing_again_gives_the_same_bytes(tmp_path):
    runs = experiment(run(tmp_path), run(tmp_path, seed=1))
    figure = Curves(y=["test_accuracy"])
    first = [path.read_bytes() for path in figure.draw(runs, tmp_path / "a")]
    assert first == [path.read_bytes() for path in figure.draw(runs, tmp_path / "b")]


def test_seconds_of_different_hardware_share_no_axis(tmp_path):
    runs = experiment(run(tmp_path), run(tmp_path, seed=1, hardware=GPU))
    with pytest.raises(UserError, match="would mix runs from different hardware") as caught:
        Curves(x=["train_seconds"]).draw(runs, tmp_path / "out")
    assert "\n" not in str(caught.value) and "An accelerator" in str(caught.value)
    assert not (tmp_path / "out").exists()
    Curves(x=["train_seconds"], y=["test_loss"], allow_mixed=True).draw(runs, tmp_path / "out")
    Curves(x=["step"], y=["test_loss"]).draw(runs, tmp_path / "out")


def test_seconds_of_runs_side_by_side_share_no_axis_with_those_of_one_alone(tmp_path):
    two = run(tmp_path, seed=1, hardware=CPU | {"concurrent_runs": 2})
    older = run(tmp_path)  # before runs could be computed side by side; it does not say
    alone = run(tmp_path, seed=2, hardware=CPU | {"concurrent_runs": 1})
    with pytest.raises(UserError, match="A processor, 1 thread, 2 runs at a time"):
        Curves(x=["train_seconds"]).draw(experiment(alone, two), tmp_path / "out")
    Curves(x=["train_seconds"]).draw(experiment(alone, older), tmp_path / "out")
    Curves(x=["step"]).draw(experiment(alone, two), tmp_path / "out")


def test_arms_may_be_evaluated_at_different_steps(tmp_path):
    runs = experiment(
        run(tmp_path, "uniform", gate=None),
        run(tmp_path, "loss_cdf", steps=(0, 30, 60, 90), accuracy=(0.1, 0.2, 0.3, 0.4)),
    )
    Curves(y="test_accuracy").draw(runs, tmp_path / "out")
    table = drawn(tmp_path / "out").groupby("label")["x"].agg(list)
    assert table["uniform"] == [0, 50, 100] and table["loss_cdf"] == [0, 30, 60, 90]


def test_a_configuration_key_as_hue(tmp_path):
    runs = [
        run(tmp_path, arm=f"{f}", seed=s, threshold__fraction=f)
        for f in (0.5, 0.26, 0.9)
        for s in (0, 1)
    ]
    runs.append(run(tmp_path, "uniform", gate=None))
    figure = Curves(x="sample_forward_equivalents", hue="threshold.fraction", order=["0.26"])
    figure.draw(experiment(*runs), tmp_path / "out")
    labels = drawn(tmp_path / "out")["label"].unique().tolist()
    assert labels == ["0.26", "uniform", "0.5", "0.9"]


def test_many_arms_of_one_method_are_all_drawn(tmp_path):
    runs = [
        run(tmp_path, m, arm=f"{m}{k}", large_batch_size=k)
        for m in ("uniform", "loss_cdf", *(f"method{i}" for i in range(12)))
        for k in (64, 128)
    ]
    Curves(y=["test_accuracy"]).draw(experiment(*runs), tmp_path / "out")
    assert drawn(tmp_path / "out")["label"].nunique() == 28


@pytest.mark.parametrize("gate", [None, 0, 1, 99999])
def test_a_gate_anywhere_is_no_obstacle(tmp_path, gate):
    runs = experiment(run(tmp_path, gate=gate), run(tmp_path, seed=1, gate=None))
    Curves(y=["train_loss"]).draw(runs, tmp_path / "out")


def test_nothing_is_drawn_where_the_runs_have_no_seconds_in_common(tmp_path):
    """One training loss each, at 0.2 s and 0.4 s: no point, rather than an invented curve."""
    runs = [
        run(tmp_path, seed=s, steps=(0, 20), accuracy=(0.5, 0.6), step_seconds=0.01 * (1 + s))
        for s in (0, 1)
    ]
    Curves(x=["train_seconds"]).draw(experiment(*runs), tmp_path / "out")
    table = drawn(tmp_path / "out")
    assert table["panel_y"].unique().tolist() == ["test_accuracy"] and table["x"].max() == 0.4


def test_a_curve_over_seconds_goes_on_to_the_final_values(tmp_path):
    """Two seeds end at 1 s and 2 s: the mean ends at 2 s with the mean of both final values."""
    runs = [
        run(tmp_path, seed=s, accuracy=(0.5, 0.6, 0.8 + 0.1 * s), step_seconds=0.01 * (1 + s))
        for s in (0, 1)
    ]
    Curves(x=["train_seconds"], y=["test_accuracy"]).draw(experiment(*runs), tmp_path / "out")
    table = drawn(tmp_path / "out")
    assert table["x"].max() == 2 and np.isclose(table["mean"].iloc[-1], 0.85)
    assert set(table[table["x"] <= 1]["n"]) == {2} and set(table[table["x"] > 1]["n"]) == {1}


def test_equal_values_everywhere_are_drawn(tmp_path):
    Curves().draw(experiment(run(tmp_path, accuracy=(0.5, 0.5, 0.5))), tmp_path / "out")


def test_a_run_with_one_evaluation_is_drawn(tmp_path):
    runs = experiment(run(tmp_path, steps=(0,), accuracy=(0.5,), gate=None))
    Curves().draw(runs, tmp_path / "out")
    assert len(drawn(tmp_path / "out")) == 1


def test_nothing_to_draw_is_said_in_one_sentence(tmp_path):
    with pytest.raises(UserError, match="no run is finished"):
        Curves().draw(experiment(missing=[("seed=0", "why")]), tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": ["stpe"]}, r"figure\.x: 'stpe' is not a column; choose from step"),
        ({"y": []}, r"figure\.y is empty"),
    ],
)
def test_a_wrong_axis_is_refused_when_the_figure_is_made(arguments, message):
    with pytest.raises(UserError, match=message):
        Curves(**arguments)


def test_limits_show_the_ends_and_not_the_steep_beginning():
    x = np.arange(101)
    rising = pd.DataFrame({"x": x, "mean": 0.95 - 0.45 * np.exp(-x / 5), "label": "a"})
    flat = pd.DataFrame({"x": x, "mean": np.linspace(0.5, 0.6, 101), "label": "b"})
    both = pd.concat([rising, flat]).assign(panel_x="step", low=np.nan, high=np.nan)
    bottom, top = y_limits(both[both["label"] == "a"], robust=True)
    assert 0.8 < bottom < 0.95 < top < 1
    bottom, top = y_limits(both, robust=True)
    assert bottom < 0.6 and top > 0.95, "no curve's end is cut off"
    bottom, top = y_limits(both, robust=False)
    assert bottom < 0.5 and top > 0.95
    wide = both.assign(low=-100.0, high=100.0)
    bottom, top = y_limits(wide, robust=False)
    assert top - bottom < 1.1, "two seeds' intervals do not flatten the curves"
