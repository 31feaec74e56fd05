"""Intervals and interpolation against SciPy and numbers worked out by hand."""

import numpy as np
import pytest
from scipy import stats

from cdfis_bench.analysis.stats import mean_interval, on_grid, paired_difference

NAN = float("nan")


@pytest.mark.parametrize("level", [0.5, 0.95, 0.99])
def test_the_interval_is_scipys_t_interval(level):
    values = np.random.default_rng(0).normal(size=(7, 4))
    mean, low, high = mean_interval(values, level)
    expected = stats.t.interval(level, 6, loc=values.mean(axis=0), scale=stats.sem(values, axis=0))
    assert np.allclose(mean, values.mean(axis=0), rtol=1e-14)
    assert np.allclose([low, high], expected, rtol=1e-10)


def test_the_interval_of_two_runs_by_hand():
    mean, low, high = mean_interval(np.array([[0.0], [2.0]]))
    half = 12.706204736  # t of one degree of freedom x standard error 1
    assert mean[0] == 1
    assert low[0] == pytest.approx(1 - half) and high[0] == pytest.approx(1 + half)


def test_one_run_has_a_mean_and_no_interval():
    mean, low, high = mean_interval(np.array([[1.0, 2.0]]))
    assert mean.tolist() == [1, 2] and np.isnan([low, high]).all()


def test_a_point_that_a_run_lacks_is_no_point():
    mean, low, high = mean_interval(np.array([[NAN, 1.0], [1.0, 3.0]]))
    assert np.isnan([mean[0], low[0], high[0]]).all() and mean[1] == 2


def test_equal_axes_are_used_as_they_are():
    x = np.array([0, 50, 75])
    grid, values = on_grid([x, x], [np.array([NAN, 1, 2]), np.array([NAN, 3, 4])], 99)
    assert grid.tolist() == [0, 50, 75]
    assert np.array_equal(values, [[NAN, 1, 2], [NAN, 3, 4]], equal_nan=True)


def test_interpolation_by_hand_and_a_run_that_ended_keeps_its_last_value():
    xs = [np.array([0.0, 2.0, 4.0]), np.array([1.0, 5.0])]
    ys = [np.array([0.0, 2.0, 8.0]), np.array([10.0, 14.0])]
    grid, values = on_grid(xs, ys, 4)
    assert grid.tolist() == [1, 2, 3, 4, 5]  # from the largest first x to the largest last x
    assert values.tolist() == [[1, 2, 5, 8, 8], [10, 11, 12, 13, 14]]


def test_a_nan_at_the_beginning_shortens_the_grid():
    xs = [np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.5, 3.0])]
    ys = [np.array([NAN, 4.0, 6.0]), np.array([NAN, 1.0, 4.0])]
    grid, values = on_grid(xs, ys, 2)
    assert grid.tolist() == [1.5, 2, 2.5, 3]
    assert values.tolist() == [[5, 6, 6, 6], [1, 2, 3, 4]]


@pytest.mark.parametrize("second", [np.array([3.0, 4.0]), np.array([NAN, NAN])])
def test_runs_without_a_common_x_have_no_points(second):
    y = second if np.isnan(second).any() else np.array([1.0, 1.0])
    grid, values = on_grid([np.array([0.0, 1.0]), np.array([3.0, 4.0])], [np.ones(2), y], 5)
    assert grid.shape == (0,) and values.shape == (2, 0)


def test_paired_difference_uses_the_common_seeds():
    a, b = {0: 0.9, 1: 0.8, 2: 0.9, 7: 0.1}, {2: 0.7, 1: 0.7, 0: 0.6, 5: 0.0}
    mean, low, high, n = paired_difference(a, b)
    differences = [0.3, 0.1, 0.2]
    expected = stats.t.interval(0.95, 2, loc=0.2, scale=stats.sem(differences))
    assert n == 3 and mean == pytest.approx(0.2)
    assert (low, high) == pytest.approx(expected)


def test_paired_difference_without_pairs_is_unknown():
    *values, n = paired_difference({0: 1.0}, {1: 1.0})
    assert n == 0 and np.isnan(values).all()
    mean, low, high, n = paired_difference({0: 1.0}, {0: 0.5})
    assert (mean, n) == (0.5, 1) and np.isnan([low, high]).all()
