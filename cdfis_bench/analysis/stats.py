"""Statistics over seeds. Arrays in, numbers out."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]


def mean_interval(values: Floats, level: float = 0.95) -> tuple[Floats, Floats, Floats]:
    """(mean, low, high) [points] of values [runs, points]: Student-t interval of the mean.

    With one run the bounds are NaN. A point where any run is NaN is NaN.
    """
    runs = values.shape[0]
    mean = values.mean(axis=0)
    if runs < 2:
        unknown = np.full_like(mean, np.nan)
        return mean, unknown, unknown
    half = stats.t.ppf((1 + level) / 2, runs - 1) * values.std(axis=0, ddof=1) / np.sqrt(runs)
    return mean, mean - half, mean + half


def on_grid(
    xs: list[Floats], ys: list[Floats], n_points: int = 200
) -> tuple[Floats, NDArray[np.float64]]:
    """(grid [points], values [runs, points]): every run's curve on one common x axis.

    xs, ys: one increasing x and its y per run; rows whose y is NaN are left out. Equal x axes
    (steps) are used as they are; others (seconds) are interpolated linearly BEFORE any averaging,
    from the largest first x to the smallest last x, never beyond what every run reached.
    """
    kept = [~np.isnan(y) for y in ys]
    xs = [x[keep].astype(float) for x, keep in zip(xs, kept, strict=True)]
    ys = [y[keep].astype(float) for y, keep in zip(ys, kept, strict=True)]
    first = xs[0]
    if all(len(x) == len(first) and (x == first).all() for x in xs):
        return first, np.stack(ys)
    grid = np.linspace(max(x[0] for x in xs), min(x[-1] for x in xs), n_points)
    return grid, np.stack([np.interp(grid, x, y) for x, y in zip(xs, ys, strict=True)])


def paired_difference(
    values: dict[int, float], baseline: dict[int, float], level: float = 0.95
) -> tuple[float, float, float, int]:
    """(mean, low, high, n) of value - baseline over the seeds that both have.

    Seeds pair: same initial weights, same data order. NaN where no seed is common.
    """
    seeds = sorted(values.keys() & baseline.keys())
    if not seeds:
        return np.nan, np.nan, np.nan, 0
    differences = np.array([[values[seed] - baseline[seed]] for seed in seeds])
    mean, low, high = mean_interval(differences, level)
    return float(mean[0]), float(low[0]), float(high[0]), len(seeds)
