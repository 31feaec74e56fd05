"""The yardstick figure, checked through its CSV."""

import pandas as pd
import pytest

from cdfis_bench.core.errors import UserError
from cdfis_bench.figures.yardstick import Yardstick
from tests.analysis.fabricate import experiment
from tests.analysis.test_yardstick import MULTIPLES, arms_at


def test_the_line_and_the_methods_are_written(tmp_path):
    methods = (("loss_cdf", 1.3), ("loss_topk", 0.2), ("divbs", 5.0))
    runs = experiment(*arms_at(tmp_path, MULTIPLES, methods=methods))
    paths = Yardstick().draw(runs, tmp_path / "out")
    assert [path.suffix for path in paths] == [".png", ".pdf", ".csv", ".json"]
    table = pd.read_csv(tmp_path / "out" / "sweep.csv").set_index("label")
    assert table["multiple"].tolist()[:6] == list(MULTIPLES)
    worth = table["worth_text"].dropna().to_dict()
    assert worth["loss_topk"] == "less than 0.5x" and worth["divbs"] == "more than 3x"
    assert worth["loss_cdf"].startswith("1.30x")


def test_several_budgets_have_a_panel_each(tmp_path):
    runs = [*arms_at(tmp_path, (0.5, 1.0), scale=0.5), *arms_at(tmp_path, (1.0, 2.0))]
    Yardstick().draw(experiment(*runs), tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "sweep.csv")
    assert table["budget_factor"].unique().tolist() == [0.5, 1.0]


def test_without_several_budgets_it_says_what_to_add(tmp_path):
    runs = experiment(*arms_at(tmp_path, (1.0,)))
    with pytest.raises(UserError, match=r"no uniform sampling at several budgets.*uniform_x2"):
        Yardstick().draw(runs, tmp_path / "out")


def test_a_measure_that_the_runs_lack_is_refused(tmp_path):
    runs = experiment(*arms_at(tmp_path, MULTIPLES))
    with pytest.raises(UserError, match=r"figure\.measure=top5 has no value"):
        Yardstick("top5").draw(runs, tmp_path / "out")
