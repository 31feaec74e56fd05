"""The cost to a target: hand-computed cases, laws, and a slow reference."""

import math
import statistics

import numpy as np
import pytest

from cdfis_bench.analysis.arms import arms_of
from cdfis_bench.analysis.order_statistics import median_interval
from cdfis_bench.analysis.target import Target, Targets
from cdfis_bench.analysis.time_to_target import arm_table, costs, first_reached, seed_table
from cdfis_bench.core.errors import UserError
from tests.analysis.fabricate import run

STEPS = (0, 10, 20, 30, 40)
TEST = Target(0.8, "test")


@pytest.mark.parametrize(
    ("accuracy", "at"),
    [
        ([0.1, 0.9, 0.1, 0.1, 0.1], None),  # once, by chance
        ([0.1, 0.9, 0.1, 0.9, 0.1], 3),  # the median of 0.9, 0.1, 0.9
        ([0.1, 0.8, 0.8, 0.1, 0.1], 2),
        ([0.1, 0.2, 0.3, 0.8, 0.9], 4),
        ([0.9, 0.9], None),  # too few evaluations to know
        ([], None),
    ],
)
def test_known_curves(accuracy, at):
    assert first_reached(accuracy, 0.8) == at


def slow_first_reached(accuracy, target):
    for end in range(2, len(accuracy)):
        if statistics.median(accuracy[end - 2 : end + 1]) >= target:
            return end
    return None


def test_it_is_what_a_slow_reference_finds_and_later_for_higher_targets():
    draw = np.random.default_rng(0)
    for _ in range(200):
        curve = np.round(np.linspace(0.3, 0.9, 12) + draw.normal(0, 0.15, 12), 2).tolist()
        found = [first_reached(curve, target) for target in np.arange(0.2, 1.1, 0.05)]
        assert found == [slow_first_reached(curve, t) for t in np.arange(0.2, 1.1, 0.05)]
        ordered = [math.inf if at is None else at for at in found]
        assert ordered == sorted(ordered)


def test_the_three_costs_of_a_run(tmp_path):
    stored = run(tmp_path, steps=STEPS, accuracy=(0.1,) * 5, step_seconds=0.5)
    assert costs(stored, "steps").tolist() == [0, 10, 20, 30, 40]
    assert costs(stored, "seconds").tolist() == [0, 5, 10, 15, 20]
    assert costs(stored, "forward_equivalents").tolist() == [0, 120, 240, 360, 480]


def arms(tmp_path):
    """Three seeds of two methods, reaching 0.8 at steps (20, 40, never) and (30, never, never)."""
    early, late, never = (0, 0.8, 0.8, 0.9, 0.9), (0, 0, 0, 0.8, 0.8), (0.1,) * 5
    middle = (0, 0, 0.8, 0.8, 0.9)
    runs = [
        run(tmp_path, method, seed, steps=STEPS, accuracy=curve)
        for method, curves in (("uniform", (early, late, never)), ("rs2", (middle, never, never)))
        for seed, curve in enumerate(curves)
    ]
    return arms_of(runs)


def test_seeds_and_arms_of_a_hand_computed_case(tmp_path):
    of = arms(tmp_path)
    seeds = seed_table(of, TEST, "steps")
    assert seeds["cost"].tolist() == [20, 40, np.inf, 30, np.inf, np.inf]
    assert seeds["reached"].tolist() == [True, True, False, True, False, False]
    assert (seeds["budget"] == 40).all()
    table = arm_table(of, seeds).set_index("label")
    assert table["median"].tolist() == [40, np.inf] and table["never"].tolist() == [1, 2]
    # 30 / 20; never against 40; neither: says nothing. The median of 1.5 and infinity.
    assert table.loc["rs2", "pairs"] == 2 and np.isinf(table.loc["rs2", "relative"])
    assert np.isnan(table.loc["uniform", "relative"]) and table["low"].isna().all()


def test_a_uniform_run_that_never_reached_it_counts_with_its_whole_budget(tmp_path):
    of = arms_of(
        [
            run(tmp_path, "uniform", 0, steps=STEPS, accuracy=(0.1,) * 5),
            run(tmp_path, "rs2", 0, steps=STEPS, accuracy=(0.8,) * 5),
        ]
    )
    table = arm_table(of, seed_table(of, TEST, "steps")).set_index("label")
    assert table.loc["rs2", "relative"] == 20 / 40


def test_the_order_of_arms_and_runs_changes_nothing(tmp_path):
    of = arms(tmp_path)
    one = arm_table(of, seed_table(of, TEST, "steps")).set_index("label").sort_index()
    back = of[::-1]
    for arm in back:
        arm.runs.reverse()
    other = arm_table(back, seed_table(back, TEST, "steps")).set_index("label").sort_index()
    assert one.equals(other)


@pytest.mark.parametrize(("n", "k"), [(5, 0), (6, 1), (8, 1), (9, 2), (10, 2), (20, 6), (30, 10)])
def test_the_intervals_are_those_of_the_tables(n, k):
    """Ranks of the 95 % interval of a median, from tables of the binomial distribution."""
    median, low, high = median_interval([*range(1, n + 1)])
    assert median == (n + 1) / 2
    assert (math.isnan(low) and k == 0) or (low, high) == (k, n + 1 - k)


def test_the_interval_covers_the_median_as_often_as_it_says():
    draw = np.random.default_rng(1)
    samples = draw.exponential(1, (1000, 10))
    samples[samples > 2] = np.inf  # censored
    intervals = np.array([median_interval(row)[1:] for row in samples.tolist()])
    covered = (intervals[:, 0] <= math.log(2)) & (math.log(2) <= intervals[:, 1])
    assert abs(covered.mean() - 0.9785) < 4 * math.sqrt(0.9785 * 0.0215 / 1000)


@pytest.mark.parametrize("value", [-0.1, 0, 1.01, float("nan"), "0.9", True])
def test_a_target_that_is_no_accuracy_is_refused(value):
    with pytest.raises(UserError, match=r"figure\.target="):
        Targets(value, None, None)
    with pytest.raises(UserError, match=r"dataset\.target\.accuracy="):
        Targets(None, None, {"mnist": {"accuracy": value}}).of_dataset("mnist")


def test_a_target_is_the_datasets_own_unless_one_is_given(tmp_path):
    own = {"two_circles": {"accuracy": 0.9, "of": "validation"}, "mnist": {"accuracy": None}}
    assert Targets(None, None, own).of_dataset("two_circles") == Target(0.9, "validation")
    assert Targets(0.7, "test", own).of_dataset("mnist") == Target(0.7, "test")
    for name in ("mnist", "another"):
        with pytest.raises(UserError, match=f"no target for dataset={name}; give one: figure"):
            Targets(None, None, own).of_dataset(name)
    with pytest.raises(UserError, match=r"figure\.of='train'"):
        Targets(0.7, "train", own)
    with pytest.raises(UserError, match="has no validation set; compute the runs with"):
        Targets(None, None, own).of_runs([run(tmp_path)])
    with pytest.raises(UserError, match="draw one at a time"):
        others = run(tmp_path, arm="other", dataset__name="mnist")
        Targets(0.7, "test", own).of_runs([run(tmp_path, seed=1), others])
