"""The ranking: paired differences to uniform, checked through its CSV."""

import pandas as pd
import pytest

from cdfis_bench.core.errors import UserError
from cdfis_bench.figures.ranking import Ranking, verdict
from tests.analysis.fabricate import experiment, run


def finals(tmp_path, method, *values):
    return [run(tmp_path, method, s, accuracy=(0.5, 0.6, v)) for s, v in enumerate(values)]


def test_arms_are_ranked_by_their_paired_difference(tmp_path):
    runs = [
        *finals(tmp_path, "uniform", 0.70, 0.72, 0.74),
        *finals(tmp_path, "loss_topk", 0.60, 0.62, 0.65),
        *finals(tmp_path, "loss_cdf", 0.80, 0.82, 0.85),
        *finals(tmp_path, "cdf_rank", 0.60, 0.74, 0.90),
        *finals(tmp_path, "divbs", 0.99),
    ]
    paths = Ranking().draw(experiment(*runs), tmp_path / "out")
    assert [path.suffix for path in paths] == [".png", ".pdf", ".csv", ".json"]
    table = pd.read_csv(tmp_path / "out" / "sweep.csv")
    assert table["label"].tolist() == ["loss_cdf", "cdf_rank", "loss_topk"], "one seed: no interval"
    assert table["verdict"].tolist() == ["better", "undecided", "worse"]
    assert table["minus_uniform"][0] == pytest.approx((0.10 + 0.10 + 0.11) / 3)


def test_without_a_uniform_arm_there_is_nothing_to_rank(tmp_path):
    with pytest.raises(UserError, match="no arm shares two seeds with a uniform arm"):
        Ranking().draw(experiment(*finals(tmp_path, "loss_cdf", 0.8, 0.9)), tmp_path / "out")


@pytest.mark.parametrize(
    ("low", "high", "word"), [(0.01, 0.02, "better"), (-0.1, 0.1, "undecided"), (-2, -1, "worse")]
)
def test_a_verdict_is_where_the_interval_lies(low, high, word):
    assert verdict(low, high) == word


def test_an_arm_that_never_acted_is_listed_without_a_verdict(tmp_path):
    idle = [run(tmp_path, "loss_topk", s, gate=None, accuracy=(0.5, 0.6, 0.99)) for s in (0, 1)]
    runs = [*finals(tmp_path, "uniform", 0.70, 0.72), *finals(tmp_path, "loss_cdf", 0.5, 0.6)]
    Ranking().draw(experiment(*runs, *idle), tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "sweep.csv")
    assert table["label"].tolist() == ["loss_cdf", "loss_topk"], "last, whatever its number"
    assert table["verdict"].tolist()[1] == "gate never opened"
