"""How much each training sample matters, by three measures that stored runs recorded."""

from collections.abc import Callable, Sequence

import numpy as np

from cdfis_bench.analysis.arms import UNIFORM
from cdfis_bench.analysis.importance.ranking import ranks
from cdfis_bench.analysis.importance.rates import Floats, rates, sample_counts
from cdfis_bench.core.errors import require
from cdfis_bench.records.stored_run import StoredRun

LEAST_PRESENTED = 2  # times that a sample must have been seen to be forgotten


def inclusion(run: StoredRun) -> Floats | None:
    """Selections per offer [n] since the gate opened; None if the run never chose."""
    counts = sample_counts(run)
    return None if counts is None else rates(counts.selected, counts.offered)


def el2n(run: StoredRun) -> Floats | None:
    """Early error norms [n]; None unless a uniform run recorded them.

    Source: Paul, Ganguli, Dziugaite 2021.
    """
    return run.array("el2n").astype(float) if _recorded(run, "el2n") else None


def forgetting(run: StoredRun) -> Floats | None:
    """Forgetting events [n]; infinite for a sample that was never classified correctly.

    None unless a uniform run recorded them. Raises UserError if a sample was not presented twice:
    nobody knows whether it would be forgotten. Source: Toneva et al. 2018, section 3; never
    learned counts as most forgettable there (its authors' code), as least in DeepCore's.
    """
    if not _recorded(run, "forgotten_count"):
        return None
    presented = run.array("presented_count")
    seldom = int((presented < LEAST_PRESENTED).sum())
    require(
        seldom == 0,
        f"{run.name}: {seldom} of {len(presented)} training samples were seen less than "
        f"{LEAST_PRESENTED} times, so nobody knows whether they are forgotten; train those runs "
        "longer",
    )
    forgotten = run.array("forgotten_count").astype(float)
    return np.where(run.array("learned_count") > 0, forgotten, np.inf)


MEASURES: dict[str, Callable[[StoredRun], Floats | None]] = {
    "inclusion": inclusion,
    "el2n": el2n,
    "forgetting": forgetting,
}


def mean_ranks(runs: Sequence[StoredRun], measure: str) -> Floats | None:
    """Mean over the runs of each sample's rank [n] by `measure`, 1 = lowest; None if none has it.

    Equal values share the mean of their ranks; no run counts more than another.
    """
    found = [scores for run in runs if (scores := MEASURES[measure](run)) is not None]
    if not found:
        return None
    return ranks(np.stack(found)).mean(axis=0)


def _recorded(run: StoredRun, name: str) -> bool:
    return run.record.method == UNIFORM and name in run.array_names("/")
