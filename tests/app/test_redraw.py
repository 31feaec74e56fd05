"""redraw= draws a finished experiment's runs, and trains nothing."""

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir

from cdfis_bench.config.schema import Config  # noqa: F401  (registers the schema)
from cdfis_bench.config.where import conf_dir
from cdfis_bench.runner.drawing import redraw
from tests.analysis.fabricate import note, run
from tests.app.command import cdfis, runs
from tests.datasets.made_files import make_arrays


def composed(*overrides):
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose("config", list(overrides))


def test_another_figure_of_stored_runs_has_a_name_of_its_own(tmp_path, capsys):
    for number in range(2):
        note(tmp_path, number, run(tmp_path, seed=number))
    said = redraw(composed("redraw=sweep", "figure.x=[samples_trained]", f"results_dir={tmp_path}"))
    assert said == {"redrawn": "sweep"}
    folder = tmp_path / "experiments" / "sweep_curves"
    assert {path.name for path in folder.iterdir()} == {
        f"sweep_curves.{end}" for end in ("png", "pdf", "csv", "json")
    }
    assert "loss_cdf" in capsys.readouterr().out


def test_figure_4_without_its_runs_says_which_command_makes_them(tmp_path):
    with pytest.raises(SystemExit, match=r"run experiment=fig3_pcam first") as caught:
        redraw(composed("experiment=fig4", f"results_dir={tmp_path}"))
    assert "\n" not in str(caught.value.code)
    assert not list(tmp_path.iterdir())


def test_what_is_missing_is_said_and_makes_the_exit_code_1(tmp_path, capsys):
    note(tmp_path, 0, run(tmp_path))
    note(tmp_path, 1, error="training diverged")
    with pytest.raises(SystemExit) as caught:
        redraw(composed("redraw=sweep", f"results_dir={tmp_path}"))
    assert caught.value.code == 1 and "training diverged" in capsys.readouterr().out
    assert (tmp_path / "experiments" / "sweep_curves" / "sweep_curves.png").exists()


def test_a_sweep_does_not_redraw(tmp_path):
    result = cdfis(tmp_path, "-m", "seed=0,1", "redraw=sweep")
    assert result.returncode == 1 and len(result.stderr.splitlines()) == 1
    assert "redraw=sweep draws stored runs and starts none" in result.stderr


@pytest.mark.slow
def test_mislabelled_images_are_the_most_selected_of_a_finished_sweep(tmp_path):
    """From training to figure 4: bright images are class 1, dark ones 0, but for five of them."""
    rng = np.random.default_rng(0)
    y = np.arange(600) % 2
    x = rng.integers(0, 100, (600, 16, 16)) + 150 * y[:, None, None]
    wrong = [31, 205, 206, 444, 599]
    labels = np.where(np.isin(np.arange(600), wrong), 1 - y, y)
    make_arrays(
        tmp_path / "mine.npz",
        x_train=x.astype(np.uint8),
        y_train=labels,
        x_test=x[:50].astype(np.uint8),
        y_test=y[:50],
    )
    values = ["dataset=arrays", "dataset.path=mine.npz", "model.channels=1", "model.side=16"]
    values += ["large_batch_size=64", "batch_size=8", "budget.steps=150", "tracker=none"]
    values += ["optimizer.lr=0.005", "method=uniform,loss_cdf"]
    swept = cdfis(tmp_path, "-m", *values, "seed=0,1", "name=mine")
    assert swept.returncode == 0, swept.stderr
    grids = [path.name for path in runs(tmp_path) if (path / "samples.png").exists()]
    assert len(grids) == 2 and all("loss_cdf" in name for name in grids), "uniform never chooses"
    before = {path: path.stat().st_mtime_ns for path in runs(tmp_path)}
    result = cdfis(tmp_path, "redraw=mine", "figure=importance", "figure.samples=5")
    assert result.returncode == 0, result.stderr
    assert {path: path.stat().st_mtime_ns for path in runs(tmp_path)} == before
    table = pd.read_csv(tmp_path / "results/experiments/mine_importance/mine_importance.csv")
    assert set(table.nsmallest(5, "rank")["index"]) == set(wrong)
    assert (table["predicted"] != table["label"])[wrong].all()
