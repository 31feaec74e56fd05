"""Intervals and grids against numbers worked out by hand, or by SciPy."""

import numpy as np
import pytest
from scipy import stats

from cdfis_bench.analysis.stats import mean_interval, on_grid, paired_difference


def test_the_interval_is_scipys_t_interval():
    values = np.random.default_rng(0).normal(size=(10, 7))
    mean, low, high = mean_interval(values)
    expected = stats.t.interval(0.95, 9, loc=values.mean(0), scale=stats.sem(values, axis=0))
    assert np.allclose(mean, values.mean(0))
    assert np.allclose([low, high], expected)


def test_the_interval_covers_the_mean_as_often_as_it_says():
    values = np.random.default_rng(1).normal(size=(10, 4000))
    _, low, high = mean_interval(values)
    assert abs(((low < 0) & (high > 0)).mean() - 0.95) < 0.02


def test_one_run_has_a_mean_and_no_interval():
    mean, low, high = mean_interval(np.array([[1.0, 2.0]]))
    assert mean.tolist() == [1, 2] and np.isnan([low, high]).all()


def test_equal_x_axes_are_used_as_they_are():
    x = np.array([0.0, 10, 20])
    grid, values = on_grid([x, x], [np.array([1.0, 2, 3]), np.array([3.0, 4, 5])])
    assert grid.tolist() == [0, 10, 20] and values.tolist() == [[1, 2, 3], [3, 4, 5]]


def test_different_x_axes_are_interpolated_and_never_extrapolated():
    slow, fast = np.array([0.0, 4.0]), np.array([1.0, 2.0])
    grid, values = on_grid([slow, fast], [np.array([0.0, 4.0]), np.array([10.0, 20.0])], 3)
    assert grid.tolist() == [1, 1.5, 2]
    assert values.tolist() == [[1, 1.5, 2], [10, 15, 20]]


def test_unknown_values_are_left_out():
    x = np.array([0.0, 10, 20])
    grid, values = on_grid([x], [np.array([np.nan, 2.0, 3.0])])
    assert grid.tolist() == [10, 20] and values.tolist() == [[2, 3]]


def test_differences_are_paired_by_seed():
    mean, low, high, n = paired_difference({0: 0.9, 1: 0.8, 7: 0.1}, {0: 0.6, 1: 0.5, 9: 0.0})
    assert n == 2
    assert mean == pytest.approx(0.3)
    assert low == pytest.approx(0.3) and high == pytest.approx(0.3)
    assert np.isnan(paired_difference({0: 1.0}, {1: 1.0})[0])
