"""The pruning figure, checked through its CSV."""

import pandas as pd
import pytest

from cdfis_bench.core.errors import UserError
from cdfis_bench.figures.pruning import PruningFigure
from tests.analysis.fabricate import experiment, run


def kept(folder, by, fraction, equal, *values):
    keep = {"by": by, "fraction": fraction, "equal": equal, "experiment": "prune_scores"}
    arm = f"{by}-{fraction}-{equal}"
    return [
        run(folder, "uniform", s, arm=arm, accuracy=(0.5, 0.6, v), keep=keep)
        for s, v in enumerate(values)
    ]


def test_every_rule_is_held_against_a_random_part_and_the_whole(tmp_path):
    runs = [
        *kept(tmp_path, "random", 0.2, "steps", 0.70, 0.72),
        *kept(tmp_path, "top_el2n", 0.2, "steps", 0.80, 0.84),
        *kept(tmp_path, "top_el2n", 0.2, "epochs", 0.60, 0.62),
        *kept(tmp_path, "bottom_inclusion", 1.0, "steps", 0.90, 0.90),
    ]
    paths = PruningFigure().draw(experiment(*runs), tmp_path / "out")
    assert [path.suffix for path in paths] == [".png", ".pdf", ".csv", ".json"]
    table = pd.read_csv(tmp_path / "out" / "sweep.csv").set_index(["equal", "by"])
    assert table.index.tolist() == [
        ("epochs", "top_el2n"),
        ("steps", "random"),
        ("steps", "top_el2n"),
    ]
    chosen = table.loc[("steps", "top_el2n")]
    assert chosen["minus_random"] == pytest.approx(0.11)
    assert chosen["minus_random_high"] - chosen["minus_random"] == pytest.approx(
        12.706 * 0.01, 1e-3
    )
    assert chosen["minus_whole"] == pytest.approx(-0.08)
    assert pd.isna(table.loc[("epochs", "top_el2n"), "minus_random"]), "no random part so trained"


def test_runs_on_the_whole_set_alone_are_no_pruning(tmp_path):
    with pytest.raises(UserError, match="no run was trained on a part"):
        PruningFigure().draw(experiment(run(tmp_path), run(tmp_path, "uniform")), tmp_path / "out")


def test_two_runs_of_one_seed_in_one_cell_are_refused(tmp_path):
    runs = kept(tmp_path, "random", 0.2, "steps", 0.7)
    other = {**runs[0].record.config["keep"]}
    runs.append(run(tmp_path, "loss_cdf", 0, keep=other))
    with pytest.raises(UserError, match="seed 0 is there twice"):
        PruningFigure().draw(experiment(*runs), tmp_path / "out")
