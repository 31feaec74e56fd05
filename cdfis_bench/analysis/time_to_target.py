"""What it costs to reach an accuracy: seconds, steps or forward passes, from stored curves."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdfis_bench.analysis.arms import UNIFORM, Arm, baseline_of
from cdfis_bench.analysis.order_statistics import median_interval
from cdfis_bench.analysis.target import Target
from cdfis_bench.records.stored_run import StoredRun

CONSECUTIVE = 3  # evaluations whose median must reach the target
COSTS = {
    "seconds": "training seconds",
    "steps": "optimization steps",
    "forward_equivalents": "forward passes of one sample (a backward pass = 2)",
}


def first_reached(accuracy: Sequence[float] | NDArray[np.float64], target: float) -> int | None:
    """The first evaluation at which the accuracy is known to stay at the target.

    One evaluation may be above it by chance. So the median of an evaluation and the two before it
    must reach the target, and the cost is counted up to the last of the three, when it is known.

    Args:
        accuracy: Of every evaluation, [rows].
        target: The accuracy to reach.

    Returns:
        The number of the evaluation, from 0; None if there is none.
    """
    values = np.asarray(accuracy, dtype=float)
    if len(values) < CONSECUTIVE:
        return None
    medians = np.median(np.lib.stride_tricks.sliding_window_view(values, CONSECUTIVE), axis=1)
    (reached,) = np.nonzero(medians >= target)
    return int(reached[0]) + CONSECUTIVE - 1 if len(reached) else None


def costs(run: StoredRun, x: str) -> NDArray[np.float64]:
    """The cost up to each evaluation of a run, [rows]; x: a key of COSTS."""
    if x == "forward_equivalents":
        return run.columns["forward_samples"] + 2 * run.columns["backward_samples"]
    return run.columns[{"seconds": "train_seconds", "steps": "step"}[x]]


def seed_table(arms: Sequence[Arm], target: Target, x: str) -> pd.DataFrame:
    """The cost to the target of every run.

    Args:
        arms: Arms on one dataset.
        target: What is to be reached.
        x: A key of COSTS.

    Returns:
        One row per run: label, run, seed, reached, cost (infinite if it never reached the target),
        and budget, the cost up to its last evaluation, at which such a run is censored.
    """
    rows = []
    for arm in arms:
        for run in arm.runs:
            spent = costs(run, x)
            at = first_reached(run.columns[target.column], target.accuracy)
            rows.append(
                {
                    "label": arm.label,
                    "run": run.name,
                    "seed": run.record.seed,
                    "reached": at is not None,
                    "cost": np.inf if at is None else float(spent[at]),
                    "budget": float(spent[-1]),
                }
            )
    return pd.DataFrame(rows)


def arm_table(arms: Sequence[Arm], seeds: pd.DataFrame) -> pd.DataFrame:
    """The cost to the target by arm, and in relation to uniform sampling.

    Args:
        arms: The arms that `seeds` was made of.
        seeds: From `seed_table`.

    Returns:
        One row per arm: label, seeds, never (runs that did not reach the target), median (infinite
        if half of them did not), low and high (95 % order-statistic interval), and relative,
        relative_low, relative_high, pairs: the same of the cost divided by that of the uniform run
        of the same seed. A pair in which neither reached the target says nothing and is left out;
        the ratio is infinite where only the arm did not, and where only uniform sampling did not,
        its whole budget counts, which is less than it would have needed.
    """
    by_arm = {label: group.set_index("seed") for label, group in seeds.groupby("label")}
    rows = []
    for arm in arms:
        own = by_arm[arm.label]
        median, low, high = median_interval(own["cost"].tolist())
        uniform = baseline_of(arm, list(arms))
        compared = uniform is not None and arm.method != UNIFORM
        ratios = _ratios(own, by_arm[uniform.label]) if uniform and compared else []
        relative = median_interval(ratios) if ratios else (np.nan,) * 3
        rows.append(
            {
                "label": arm.label,
                "seeds": len(own),
                "never": int((~own["reached"]).sum()),
                "median": median,
                "low": low,
                "high": high,
                "relative": relative[0],
                "relative_low": relative[1],
                "relative_high": relative[2],
                "pairs": len(ratios),
            }
        )
    return pd.DataFrame(rows)


def _ratios(own: pd.DataFrame, uniform: pd.DataFrame) -> list[float]:
    """The cost of each seed divided by that of uniform sampling, where one of them is known."""
    pairs = own.join(uniform.add_suffix("_uniform"), how="inner").sort_index()
    known = pairs[pairs["reached"] | pairs["reached_uniform"]]
    base = known["cost_uniform"].where(known["reached_uniform"], known["budget_uniform"])
    return [float(ratio) for ratio in known["cost"] / base]
