"""Performance profiles: how often a method is within a factor of the fastest, over workloads."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MAX_RATIO = 4.0  # AlgoPerf's upper limit


def ratios(costs: pd.DataFrame) -> pd.DataFrame:
    """The cost of each method divided by that of the fastest one on the same workload.

    Args:
        costs: Cost to the target, a row per workload and a column per method; infinite where the
            target was not reached.

    Returns:
        The same shape: 1 for the fastest, infinite where the target was not reached; a workload on
        which no method reached it is infinite for all.
    """
    best = costs.min(axis=1)
    with np.errstate(invalid="ignore"):  # inf / inf
        return costs.div(best, axis=0).fillna(np.inf)


def profile(ratio: Sequence[float], taus: Sequence[float]) -> NDArray[np.float64]:
    """The fraction of workloads on which a method is within a factor of the fastest.

    Args:
        ratio: Of one method on each of n workloads, from `ratios`.
        taus: Factors, [points].

    Returns:
        rho(tau) = |{w : r_w <= tau}| / n, [points].

    Source: Dolan and Moré 2002; Dahl et al. 2023, "Benchmarking Neural Network Training
    Algorithms", performance profiles.
    """
    r = np.asarray(ratio, dtype=float)
    return (r[None, :] <= np.asarray(taus, dtype=float)[:, None]).mean(axis=1)


def score(ratio: Sequence[float], max_ratio: float = MAX_RATIO) -> float:
    """AlgoPerf's benchmark score: the area under the profile from 1 to `max_ratio`, normalized.

    B = 1 / (r_max - 1) times the integral of rho(tau) from 1 to r_max. The profile is a step
    function, so the integral is the mean over workloads of (r_max - r_w), where positive.

    Args:
        ratio: Of one method on each workload, from `ratios`.
        max_ratio: r_max, above 1.

    Returns:
        From 0 to 1, which only the fastest method on every workload gets.

    Source: Dahl et al. 2023; AlgoPerf's rules, "Integrating performance profiles", r_max = 4.
    """
    r = np.asarray(ratio, dtype=float)
    return float(np.clip(max_ratio - r, 0, None).mean() / (max_ratio - 1))
