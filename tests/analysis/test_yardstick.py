"""What a method is worth in uniform sampling: curves whose answer is known."""

import numpy as np
import pytest

from cdfis_bench.analysis.arms import arms_of, baseline_of
from cdfis_bench.analysis.summary_table import summary_table, summary_text
from cdfis_bench.analysis.yardstick import invert, isotonic, worth, yardstick_of
from tests.analysis.fabricate import experiment, run

MULTIPLES = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0)


def curve(multiple):
    return 0.9 + 0.05 * np.log(multiple)


def uniform(seeds=5, f=curve, spread=0.01):
    """Uniform sampling at every multiple; each seed is shifted by the same amount everywhere."""
    return {m: {s: f(m) + spread * s for s in range(seeds)} for m in MULTIPLES}


def method(multiple, seeds=5, spread=0.01):
    return {s: curve(multiple) + spread * s for s in range(seeds)}


@pytest.mark.parametrize("multiple", [0.5, 0.6, 1.0, 1.3, 2.9, 3.0])
def test_a_method_as_good_as_so_much_uniform_sampling_is_worth_it(multiple):
    found = worth(method(multiple), uniform())
    assert found.value == pytest.approx(multiple) and found.seeds == 5
    # The seeds' own differences are shared by method and yardstick: nothing is uncertain.
    assert (found.low, found.high) == (pytest.approx(multiple), pytest.approx(multiple))


def test_a_loss_is_measured_the_other_way_round():
    falling = {m: {s: -v for s, v in values.items()} for m, values in uniform().items()}
    losses = {s: -v for s, v in method(1.3).items()}
    assert worth(losses, falling, falling=True).value == pytest.approx(1.3)


@pytest.mark.parametrize(
    ("multiple", "value", "text"), [(4, np.inf, "more than 3x"), (0.4, 0, "less than 0.5x")]
)
def test_beyond_the_yardstick_it_says_so(multiple, value, text):
    found = worth(method(multiple), uniform())
    assert found.value == value and found.text() == text


def test_an_interval_may_end_beyond_the_yardstick():
    noisy = {s: v + 0.03 * (-1) ** s for s, v in method(2.7, 6).items()}
    text = worth(noisy, uniform(6)).text()
    assert text.startswith("2.70x (") and text.endswith("to >3x)")


def slow_isotonic(means):
    """Pool adjacent violators."""
    blocks = []
    for value in means:
        blocks.append([value, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, n), (b, m) = blocks[-2:]
            blocks[-2:] = [[(a * n + b * m) / (n + m), n + m]]
    return np.repeat([value for value, _ in blocks], [n for _, n in blocks])


def test_the_monotone_curve_is_that_of_pooled_violators():
    means = np.random.default_rng(0).normal(np.linspace(0, 1, 6), 0.5, (50, 6))
    means[0], means[1] = 0.5, np.arange(6)[::-1]
    expected = np.stack([slow_isotonic(row) for row in means])
    assert np.allclose(isotonic(means), expected) and (np.diff(isotonic(means)) >= 0).all()


def test_means_that_fall_are_pooled_before_they_are_inverted():
    bumpy = dict(zip(MULTIPLES, [0.8, 0.84, 0.83, 0.9, 0.89, 0.95], strict=True))
    curves = {m: {0: v, 1: v} for m, v in bumpy.items()}
    level = worth({0: 0.835, 1: 0.835}, curves)  # the mean of 0.84 and 0.83
    assert level.value == pytest.approx(np.sqrt(0.75 * 1.0))
    assert worth({0: 0.865, 1: 0.865}, curves).value == pytest.approx(np.sqrt(1.0 * 1.5))


def test_a_level_part_counts_with_its_middle():
    multiples, values = np.array([1.0, 2.0, 4.0]), np.array([0.5, 0.4, 0.6])
    level = np.full((3, 3), 0.5)
    assert invert(multiples, level, values).tolist() == [2.0, 0.0, np.inf]
    top = np.array([[0.1, 0.5, 0.5]])
    assert invert(multiples, top, values[:1])[0] == pytest.approx(np.sqrt(8))


def test_the_interval_covers_the_truth():
    """95 % intervals of 10 seeds with noise of their own; percentiles of 10 alone cover 90 %."""
    rng, covered, trials = np.random.default_rng(0), 0, 150
    for _ in range(trials):
        shared, noise = rng.normal(0, 0.01, 10), rng.normal(0, 0.008, (10, 7))
        curves = {
            m: {s: curve(m) + shared[s] + noise[s, at] for s in range(10)}
            for at, m in enumerate(MULTIPLES)
        }
        own = {s: curve(1.3) + shared[s] + noise[s, 6] for s in range(10)}
        found = worth(own, curves, resamples=400)
        covered += found.low <= 1.3 <= found.high
    assert 0.91 <= covered / trials <= 0.99


def test_seeds_that_are_missing_on_one_side_are_not_used():
    curves = uniform()
    del curves[1.5][0], curves[2.0][4]
    found = worth(method(1.3, seeds=7), curves)
    assert found.seeds == 3 and found.value == pytest.approx(1.3)


def test_a_point_with_few_of_the_seeds_is_left_out_instead_of_the_seeds():
    curves = uniform()
    curves[1.5] = {0: 0.1}
    found = worth(method(1.3), curves)
    assert found.seeds == 5 and 1.25 < found.value < 1.35


def test_one_seed_has_no_interval_and_one_budget_no_worth():
    assert np.isnan(worth(method(1.3, 1), uniform(1)).low)
    assert worth(method(1.3, 1), uniform(1)).text() == "1.30x"
    assert worth(method(1.3), {1.0: uniform()[1.0]}).text() == "-"
    assert worth({0: np.nan}, uniform()).text() == worth({}, uniform()).text() == "-"


def arms_at(tmp_path, multiples, scale=1.0, methods=(("loss_cdf", 1.3),), seeds=3):
    runs = []
    for m in multiples:
        for s in range(seeds):
            budget = {"steps": 100, "scale": scale, "multiple": m}
            ends = (0.5, 0.6, curve(m * scale) + 0.001 * s)
            at = {"arm": f"u{m * scale}", "gate": None, "budget": budget}
            runs.append(run(tmp_path, "uniform", s, accuracy=ends, **at))
    for name, multiple in methods:
        for s in range(seeds):
            budget = {"steps": 100, "scale": scale, "multiple": 1.0}
            ends = (0.5, 0.6, curve(multiple * scale) + 0.001 * s)
            arm = f"{name}{scale}"
            runs.append(run(tmp_path, name, s, arm=arm, accuracy=ends, budget=budget))
    return runs


def test_the_table_says_what_a_method_is_worth(tmp_path):
    runs = experiment(*arms_at(tmp_path, MULTIPLES))
    table = summary_table(runs).set_index("label")
    assert table.index[:2].tolist() == ["uniform", "loss_cdf"]
    assert table.index[2:].tolist() == [f"uniform, {m:g}x budget" for m in MULTIPLES if m != 1]
    assert table["worth"]["loss_cdf"] == pytest.approx(1.3)
    assert table["worth"].isna().sum() == 6, "uniform sampling is not measured with itself"
    assert table["minus_uniform"]["loss_cdf"] == pytest.approx(curve(1.3) - curve(1))
    assert "1.30x (1.30x to 1.30x)" in summary_text(runs, 200)


def test_with_one_budget_there_is_no_column(tmp_path):
    text = summary_text(experiment(*arms_at(tmp_path, (1.0,))), 200)
    assert "worth" not in text


def test_the_yardstick_is_no_baseline_even_where_the_plain_arm_is_missing(tmp_path):
    runs = experiment(*arms_at(tmp_path, (2.0,)))
    arms = arms_of(runs.runs)
    assert baseline_of(arms[1], arms) is None and not yardstick_of(arms[1], arms)
    assert summary_table(runs)["minus_uniform"].isna().all()


def test_each_budget_is_compared_with_its_own_uniform_arm(tmp_path):
    """Two budgets: the methods at each are measured with all uniform arms, as multiples of it."""
    small = arms_at(tmp_path, (0.5, 1.0, 1.5), scale=0.5)
    runs = experiment(*arms_at(tmp_path, (1.0, 3.0), scale=1.0), *small)
    table = summary_table(runs)
    assert table["budget_factor"].tolist() == [0.5, 0.5, 1.0, 1.0, 0.25, 0.75, 3.0]
    by_label = table.set_index("label")
    assert by_label["minus_uniform"]["loss_cdf, 0.5x budget"] == pytest.approx(curve(1.3) - 0.9)
    arms = arms_of(runs.runs)
    half = next(arm for arm in arms if arm.label == "loss_cdf, 0.5x budget")
    assert [*yardstick_of(half, arms)] == [0.5, 1.0, 1.5, 2.0, 6.0]


def test_uniform_sampling_with_another_learning_rate_is_another_yardstick(tmp_path):
    runs = arms_at(tmp_path, MULTIPLES)
    for s in range(3):
        budget = {"steps": 100, "scale": 1.0, "multiple": 2.0}
        lr = {"name": "adam", "lr": 0.1}
        odd = run(tmp_path, "uniform", s, arm="odd", budget=budget, optimizer=lr)
        runs.append(odd)
    arms = arms_of(runs)
    measured = next(arm for arm in arms if arm.method == "loss_cdf")
    assert all(one.record.arm != "odd" for one in yardstick_of(measured, arms).values())
    assert [*yardstick_of(measured, arms)] == [*MULTIPLES]


def test_an_arm_whose_gate_never_opened_is_not_measured(tmp_path):
    """It is uniform sampling, whatever a curve with noise says of it."""
    budget = {"steps": 100, "scale": 1.0, "multiple": 1.0}
    idle = [run(tmp_path, "kf18_loss", s, gate=None, budget=budget) for s in range(3)]
    table = summary_table(experiment(*arms_at(tmp_path, MULTIPLES), *idle)).set_index("label")
    assert table["worth_text"]["kf18_loss"] == "-" != table["worth_text"]["loss_cdf"]
