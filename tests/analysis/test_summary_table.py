"""The summary table shows final values, paired differences and costs, and what is missing."""

import numpy as np
import pytest

from cdfis_bench.analysis.summary_table import summary_table, summary_text
from tests.analysis.fabricate import GPU, experiment, run


@pytest.fixture
def three_arms(tmp_path):
    """Final accuracies 0.7 and 0.8 for uniform, 0.9 and 0.8 for loss_cdf, one seed of loss_topk."""
    return experiment(
        run(tmp_path, "uniform", 0, accuracy=(0.5, 0.95, 0.7), gate=None, step_seconds=0.01),
        run(tmp_path, "uniform", 1, accuracy=(0.5, 0.6, 0.8), gate=None, step_seconds=0.03),
        run(tmp_path, "loss_cdf", 0, accuracy=(0.5, 0.6, 0.9), gate=40, step_seconds=0.04),
        run(tmp_path, "loss_cdf", 1, accuracy=(0.5, 0.6, 0.8), gate=60, step_seconds=0.04),
        run(tmp_path, "loss_topk", 1, gate=None, step_seconds=0.05),
        missing=[("seed=2", "training diverged"), ("seed=3", "training diverged"), ("a=1", "gone")],
    )


def test_the_numbers_of_the_table(three_arms):
    table = summary_table(three_arms).set_index("label")
    assert table.index.tolist() == ["uniform", "loss_cdf", "loss_topk"]
    assert table["seeds"].tolist() == [2, 2, 1]
    assert np.allclose(table["test_accuracy"], [0.75, 0.85, 0.9]), "final, not best"
    half = 12.706204736 * 0.05
    assert np.allclose(table["test_accuracy_high"].to_numpy()[:2], [0.75 + half, 0.85 + half])
    assert np.allclose(table["minus_uniform"].to_numpy()[1:], [0.1, 0.1])
    assert table["minus_uniform_low"]["loss_cdf"] == pytest.approx(0.1 - 2 * half)
    assert np.isnan(table["minus_uniform_low"]["loss_topk"]), "one pair gives no interval"
    assert table["paired_seeds"].tolist() == [0, 2, 1]
    assert np.allclose(table["train_seconds"], [2, 4, 5])
    assert np.allclose(table["relative_cost"], [1, 2, 2.5])
    assert table["gate_open_step"]["loss_cdf"] == 50
    assert np.isnan(table["gate_open_step"]["loss_topk"])


def test_the_text_says_it_in_aligned_lines(three_arms):
    lines = summary_text(three_arms, 120).splitlines()
    assert "Two Circles" in lines[1] and "A processor, 1 thread" in lines[1]
    rows = lines[2:6]
    assert len({len(line) for line in rows}) == 1
    assert "0.7500 ± 0.6353" in rows[1] and " - " in rows[1] and rows[1].endswith("never")
    assert "+0.1000 ± 1.2706" in rows[2] and "2.00 x uniform" in rows[2]
    assert rows[2].endswith("step 50")
    assert lines[-2:] == ["missing: 2 jobs: training diverged", "missing: a=1: gone"]
    assert "fallback" not in "".join(lines)


def test_without_uniform_there_is_nothing_to_compare_with(tmp_path):
    runs = experiment(run(tmp_path, fallbacks=3), run(tmp_path, seed=1, gate=None, fallbacks=1))
    table = summary_table(runs)
    assert np.isnan(table["relative_cost"][0]) and np.isnan(table["minus_uniform"][0])
    assert table["fallback_steps"][0] == 4
    head, row = summary_text(runs, 120).splitlines()[2:4]
    assert "fallback steps" in head and row.split()[-1] == "4"
    assert "step 50 (1 of 2)" in row and "uniform" not in row


def test_seconds_of_different_hardware_are_not_compared(tmp_path):
    runs = experiment(run(tmp_path, "uniform"), run(tmp_path, hardware=GPU))
    assert summary_table(runs)["relative_cost"].isna().tolist() == [False, True]
    assert "different hardware" in summary_text(runs)


def test_an_experiment_without_a_finished_run_still_says_why():
    text = summary_text(experiment(missing=[("seed=0", "training diverged")]))
    assert text.splitlines()[1:] == [
        "sweep: no run is finished",
        "missing: seed=0: training diverged",
    ]


def test_the_table_fits_the_line_and_says_everything(tmp_path):
    runs = experiment(
        *(run(tmp_path, "uniform", s, gate=None) for s in (0, 1)),
        *(
            run(tmp_path, "grad_norm_cdf", s, arm=form[:5], selector__form=form)
            for s in (0, 1)
            for form in ("rank", "mass" * 20)
        ),
    )
    for width in (60, 80, 200):
        text = summary_text(runs, width)
        table = text.split("\n", 2)[2].split("final values")[0]
        assert max(map(len, table.splitlines())) <= width
        assert "".join(table.split()).count("mass") == 20 * text.count("\nmethod")
        for head in ("seeds", "minus uniform", "train seconds", "cost of a step", "gate opened"):
            assert table.count(head) == 1
    assert summary_text(runs, 200).count("\nmethod") == 1


def test_an_arm_whose_gate_never_opened_is_not_compared(three_arms):
    lines = summary_text(three_arms, 120).splitlines()
    row = next(line for line in lines if line.startswith("loss_topk"))
    assert row.split()[3] == "-" and row.endswith("never")
    assert "the gate never opened in loss_topk: trained uniformly" in lines


@pytest.mark.parametrize(
    ("accuracy", "seconds", "shown"),
    [
        (3e-7, 0.0001, ("3.0e-07", "1.0e-04")),
        (1e300, 1e9, ("1.0e+300", "1.0e+09")),
        (float("nan"), 0.01, (" - ",)),
        (0.0, 0.01, ("0.0000", "0.01")),
    ],
)
def test_huge_tiny_and_unknown_numbers_stay_short(tmp_path, accuracy, seconds, shown):
    runs = experiment(
        *(
            run(tmp_path, seed=s, accuracy=(accuracy,) * 3, step_seconds=seconds / 100)
            for s in (0, 1)
        )
    )
    text = summary_text(runs, 120)
    assert all(part in text for part in shown) and max(map(len, text.splitlines())) < 120


def test_a_cost_that_runs_share_is_said(tmp_path):
    shared = run(tmp_path, "rho_amortised", metric={"name": "reducible", "amortize": 10})
    text = summary_text(experiment(run(tmp_path, "uniform", gate=None), shared))
    assert "rho_amortised: charged 1/10 of its holdout models, which 10 runs share" in text
    assert "filled at random" not in text
