"""The median of few values, some of them infinite, and an interval that assumes no distribution."""

from collections.abc import Sequence

import numpy as np
from scipy.special import bdtr  # scipy.stats would cost half a second to import


def median_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float, float]:
    """The median and its confidence interval between two order statistics.

    Whatever the distribution, the number of n values below its median is Binomial(n, 1/2). The
    interval from the k-th smallest to the k-th largest value covers the median with probability
    1 - 2 P(Binomial(n, 1/2) < k); k is the largest for which that is at least `level`. Values that
    were never observed within the budget count as infinite: only their rank matters.

    Args:
        values: At least one number; infinity is allowed.
        level: Confidence level.

    Returns:
        (median, low, high). With fewer than 6 values no interval has a level of 95 %, and the
        bounds are NaN. The median of an even number of values is infinite if the upper of the two
        in the middle is.

    Source: David and Nagaraja 2003, Order Statistics, section 7.1.
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    n = len(ordered)
    middle = float((ordered[(n - 1) // 2] + ordered[n // 2]) / 2)
    k = 0
    while k < n // 2 and 1 - 2 * bdtr(k, n, 0.5) >= level:
        k += 1
    if k == 0:
        return middle, np.nan, np.nan
    return middle, float(ordered[k - 1]), float(ordered[n - k])
