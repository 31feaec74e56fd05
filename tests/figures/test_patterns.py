"""Figure 1 draws the very samples that were recorded."""

import matplotlib.pyplot
import numpy as np
import pandas as pd
import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.figures.patterns import Patterns
from tests.analysis.fabricate import experiment, patterns, run


def test_the_csv_is_the_recorded_arrays_of_the_lowest_seed(tmp_path):
    runs = [
        run(tmp_path, m, s, arrays=patterns((0, 100), seed=10 * s + len(m)))
        for m in ("loss_topk", "loss_cdf")
        for s in (4, 2)
    ]
    paths = Patterns(order=["loss_cdf", "loss_topk"]).draw(experiment(*runs), tmp_path / "out")
    assert all(path.stat().st_size > 100 for path in paths)
    table = pd.read_csv(tmp_path / "out" / "sweep.csv")
    assert list(table) == ["arm", "step", "index", "x0", "x1", "prediction"]
    assert table["arm"].unique().tolist() == ["loss_cdf", "loss_topk"]
    for method, stored in (("loss_topk", runs[1]), ("loss_cdf", runs[3])):
        for step in (0, 100):
            rows = table[(table["arm"] == method) & (table["step"] == step)]
            group = f"pattern/{step:06d}"
            assert np.allclose(rows[["x0", "x1"]], stored.array(f"{group}/x"), rtol=1e-6)
            assert rows["index"].tolist() == stored.array(f"{group}/index").tolist()
            assert rows["prediction"].tolist() == [0, 1, 1, 0, 1]
    assert matplotlib.pyplot.get_fignums() == []


def test_more_steps_than_columns_and_other_data_are_drawn_too(tmp_path):
    runs = experiment(
        run(tmp_path, arrays=patterns(range(0, 2_000_000, 200_000))),
        run(tmp_path, "loss_topk", arrays=patterns((0,)), dataset={"name": "mine"}),
    )
    Patterns(most_columns=3).draw(runs, tmp_path / "out")
    steps = pd.read_csv(tmp_path / "out" / "sweep.csv").groupby("arm")["step"].nunique()
    assert steps["loss_cdf"] == 10, "the CSV has every step"


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "recorded no sampling patterns; redo them with pattern_every=100"),
        (
            {
                "pattern/000000/x": torch.zeros(2, 1, 28, 28),
                "pattern/000000/index": torch.arange(2),
                "pattern/000000/prediction": torch.arange(2),
            },
            r"2-D samples only, not of shape \(1, 28, 28\)",
        ),
    ],
)
def test_what_cannot_be_drawn_is_said_in_one_sentence(tmp_path, arrays, message):
    with pytest.raises(UserError, match=message) as caught:
        Patterns().draw(experiment(run(tmp_path, arrays=arrays)), tmp_path / "out")
    assert "\n" not in str(caught.value)


def test_no_run_no_picture(tmp_path):
    with pytest.raises(UserError, match="no run is finished"):
        Patterns().draw(experiment(), tmp_path)
