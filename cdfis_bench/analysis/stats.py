"""Statistics over runs. Arrays in, arrays out."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit  # scipy.stats would cost half a second to import

Floats = NDArray[np.float64]


def mean_interval(values: Floats, level: float = 0.95) -> tuple[Floats, Floats, Floats]:
    """The mean over runs and its Student-t confidence interval.

    Args:
        values: [runs, points].
        level: Confidence level.

    Returns:
        (mean, low, high), [points] each. With one run the bounds are NaN. A point at which any run
        is NaN is NaN.
    """
    runs = values.shape[0]
    with np.errstate(over="ignore", invalid="ignore"):  # diverging runs: infinite, then NaN
        mean = values.mean(axis=0)
        if runs < 2:
            unknown = np.full_like(mean, np.nan)
            return mean, unknown, unknown
        half = stdtrit(runs - 1, (1 + level) / 2) * values.std(axis=0, ddof=1) / np.sqrt(runs)
        return mean, mean - half, mean + half


def on_grid(x_runs: list[Floats], y_runs: list[Floats], n_points: int) -> tuple[Floats, Floats]:
    """Brings the curves of several runs onto one x axis.

    Equal x axes (steps) are kept. Others (seconds) are interpolated linearly BEFORE any averaging,
    from the largest first x to the largest last x; a run that has ended before keeps its last
    value. A NaN at either end of a curve shortens it; one inside leaves a gap between its
    neighbors.

    Args:
        x_runs: For each run its non-decreasing x, [rows].
        y_runs: For each run its y, [rows].
        n_points: Length of the common axis where the runs' own axes differ.

    Returns:
        (grid [points], values [runs, points]); both empty if the runs have no x in common. The
        smallest last x is one of the points.
    """
    first = x_runs[0]
    if all(np.array_equal(x, first) for x in x_runs):
        return np.asarray(first, float), np.stack(y_runs).astype(float)
    known = [_without_nan_ends(x, y) for x, y in zip(x_runs, y_runs, strict=True)]
    low = max((x[0] for x, _ in known if len(x)), default=np.inf)
    high = min((x[-1] for x, _ in known if len(x)), default=-np.inf)
    if low > high or not all(len(x) for x, _ in known):
        return np.empty(0), np.empty((len(known), 0))
    grid = np.linspace(low, high, n_points)
    last = max(x[-1] for x, _ in known)
    if last > high:
        spacing = (high - low) / (n_points - 1) or (last - high)
        more = min(max(int(np.ceil((last - high) / spacing)), 1), n_points)
        grid = np.append(grid, np.linspace(high, last, more + 1)[1:])
    return grid, np.stack([np.interp(grid, x, y) for x, y in known])


def paired_difference(
    a: dict[int, float], b: dict[int, float], level: float = 0.95
) -> tuple[float, float, float, int]:
    """The mean of a - b over the seeds that both have, and its Student-t confidence interval.

    Runs of one seed pair because they share initial weights and data order.

    Args:
        a: Values by seed.
        b: Values by seed.
        level: Confidence level.

    Returns:
        (mean, low, high, n) with n the number of common seeds; NaN where n is too small.
    """
    seeds = sorted(a.keys() & b.keys())
    if not seeds:
        return np.nan, np.nan, np.nan, 0
    mean, low, high = mean_interval(np.array([[a[seed] - b[seed]] for seed in seeds]), level)
    return float(mean[0]), float(low[0]), float(high[0]), len(seeds)


def _without_nan_ends(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    (known,) = np.nonzero(~np.isnan(y))
    kept = slice(known[0], known[-1] + 1) if len(known) else slice(0, 0)
    return np.asarray(x[kept], float), np.asarray(y[kept], float)
