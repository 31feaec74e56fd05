"""The curves of many runs as tidy tables: as recorded, and averaged over the seeds of each arm."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cdfis_bench.analysis.stats import mean_interval, on_grid
from cdfis_bench.records.schema import CURVE_COLUMNS
from cdfis_bench.records.stored_run import StoredRun

DERIVED = "sample_forward_equivalents"
COLUMNS = (*CURVE_COLUMNS, DERIVED)
DRAWN = ["panel_x", "panel_y", "label", "x", "mean", "low", "high", "n"]
LARGEST = 1e100  # losses of diverging runs; axes of matplotlib overflow beyond
GRID_POINTS = 201  # of an axis whose values differ between runs, such as seconds


def curves(runs: list[StoredRun], labels: dict[str, str]) -> pd.DataFrame:
    """The curves of all runs in one table.

    Args:
        runs: Finished runs.
        labels: The label of each run's arm by the run's name.

    Returns:
        One row per run and evaluation: label, arm, run, seed, all curve columns, and
        `sample_forward_equivalents`: forward passes of one sample, a backward pass counted as two
        (the convention of Katharopoulos and Fleuret 2018). Values that were null are NaN.
    """
    lengths = [len(run.columns["step"]) for run in runs]
    table = pd.DataFrame(
        {name: np.concatenate([run.columns[name] for run in runs]) for name in CURVE_COLUMNS}
    )
    who = {
        "label": [labels[run.name] for run in runs],
        "arm": [run.record.arm for run in runs],
        "run": [run.name for run in runs],
        "seed": [run.record.seed for run in runs],
    }
    for place, (name, values) in enumerate(who.items()):
        table.insert(place, name, np.repeat(values, lengths))
    table[DERIVED] = table["forward_samples"] + 2 * table["backward_samples"]
    return table


def mean_curves(table: pd.DataFrame, xs: Sequence[str], ys: Sequence[str]) -> pd.DataFrame:
    """The curves that a figure draws: means over runs with 95 % Student-t intervals.

    Args:
        table: From `curves`.
        xs: Columns of `table`, one per column of panels.
        ys: Columns of `table`, one per row of panels.

    Returns:
        The columns panel_x, panel_y, label, x, mean, low, high and n, in legend order. Values
        beyond LARGEST count as unknown. A point is there only where all runs of the label have a
        value; on an axis such as seconds, where runs end at different places, a run that has ended
        keeps its last value, as its network would, and n counts the runs that have not.
    """
    parts = []
    for label, of_label in table.groupby("label", sort=False):
        by_run = [run for _, run in of_label.groupby("run", sort=False)]
        for x_name in xs:
            for y_name in ys:
                part = _mean_curve(by_run, x_name, y_name)
                parts.append(part.assign(panel_x=x_name, panel_y=y_name, label=label))
    return pd.concat(parts, ignore_index=True)[DRAWN]


def _mean_curve(by_run: list[pd.DataFrame], x_name: str, y_name: str) -> pd.DataFrame:
    """x, mean, low, high, n of one label in one panel."""
    x_runs = [run[x_name].to_numpy(float) for run in by_run]
    y_runs = [_finite(run[y_name].to_numpy(float)) for run in by_run]
    grid, values = on_grid(x_runs, y_runs, GRID_POINTS)
    mean, low, high = mean_interval(values)
    ends = [_last_known(x, y) for x, y in zip(x_runs, y_runs, strict=True)]
    running = np.sum([grid <= end for end in ends], axis=0)
    drawn = ~np.isnan(mean)
    columns = {"x": grid, "mean": mean, "low": low, "high": high, "n": running}
    return pd.DataFrame({k: v[drawn] for k, v in columns.items()})


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.abs(values) < LARGEST, values, np.nan)


def _last_known(x: np.ndarray, y: np.ndarray) -> float:
    """The last x at which y is known; minus infinity if it never is."""
    known = x[~np.isnan(y)]
    return float(known[-1]) if len(known) else -np.inf
