"""Dataset pruning: accuracy after training on a part, compared with a random part of that size."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cdfis_bench.analysis.stats import mean_interval, paired_difference
from cdfis_bench.core.errors import require
from cdfis_bench.records.stored_run import StoredRun

RANDOM = "random"


def pruning_table(runs: Sequence[StoredRun]) -> pd.DataFrame:
    """Summarizes runs on parts of a training set.

    Args:
        runs: Finished runs of one method on one dataset.

    Returns:
        One row per `equal` (steps or epochs), `by` (random, top_inclusion, ...) and `fraction` < 1.
        `test_accuracy` is the mean over seeds of each run's last value. `minus_random` pairs the
        runs by seed with those on a random part of the same size, `minus_whole` with those on the
        whole training set; NaN where there are none. The bounds (`_low`, `_high`) are 95 %
        Student-t intervals over seeds.

    Raises:
        UserError: If no run was trained on a part, or two such runs of one cell share a seed.
    """
    require(
        any(run.kept_fraction < 1 for run in runs),
        "no run was trained on a part of its training set; see experiment=prune",
    )
    cells: dict[tuple[str, str, float], dict[int, float]] = {}
    for run in runs:
        cell, seed = _cell(run), run.record.seed
        of_cell = cells.setdefault(cell, {})
        require(
            seed not in of_cell,
            f"{run.name}: seed {seed} is there twice with keep.by={cell[1]} "
            f"keep.fraction={cell[2]}; draw one method and one dataset at a time",
        )
        of_cell[seed] = run.summary["test_accuracy"]
    whole = cells.pop(_WHOLE, {})
    rows = []
    for (equal, by, fraction), accuracy in sorted(cells.items()):
        random = cells.get((equal, RANDOM, fraction), {}) if by != RANDOM else {}
        rows.append(
            {"equal": equal, "by": by, "fraction": fraction, "seeds": len(accuracy)}
            | _mean("test_accuracy", accuracy)
            | _difference("minus_random", accuracy, random)
            | _difference("minus_whole", accuracy, whole)
        )
    return pd.DataFrame(rows)


def whole_accuracy(runs: Sequence[StoredRun]) -> tuple[float, float, float] | None:
    """Final test accuracy of the runs on the whole training set.

    Args:
        runs: Finished runs; those on a part are ignored.

    Returns:
        (mean, low, high) over seeds; None if there is no such run.
    """
    found = [run.summary["test_accuracy"] for run in runs if run.kept_fraction == 1]
    if not found:
        return None
    mean, low, high = mean_interval(np.array(found)[:, None])
    return float(mean[0]), float(low[0]), float(high[0])


_WHOLE = ("", "", 1.0)


def _cell(run: StoredRun) -> tuple[str, str, float]:
    """(equal, by, fraction) of a run."""
    if run.kept_fraction == 1:
        return _WHOLE
    keep = run.record.config["keep"]
    return keep["equal"], keep["by"], keep["fraction"]


def _mean(name: str, values: dict[int, float]) -> dict[str, float]:
    mean, low, high = mean_interval(np.array([*values.values()])[:, None])
    return {name: mean[0], f"{name}_low": low[0], f"{name}_high": high[0]}


def _difference(name: str, one: dict[int, float], other: dict[int, float]) -> dict[str, float]:
    mean, low, high, _ = paired_difference(one, other)
    return {name: mean, f"{name}_low": low, f"{name}_high": high}
