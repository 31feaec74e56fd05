"""How much each training sample matters, by three measures that stored runs recorded."""

from collections.abc import Callable, Sequence

import numpy as np

from cdfis_bench.analysis.arms import UNIFORM
from cdfis_bench.analysis.importance.ranking import ranks
from cdfis_bench.analysis.importance.rates import Floats, rates, sample_counts
from cdfis_bench.core.errors import require
from cdfis_bench.records.stored_run import StoredRun

LEAST_PRESENTED = 2  # a sample that was presented once cannot have been forgotten


def inclusion(run: StoredRun) -> Floats | None:
    """Selections per offer since the gate opened, [n]; None if the run never selected."""
    counts = sample_counts(run)
    return None if counts is None else rates(counts.selected, counts.offered)


def el2n(run: StoredRun) -> Floats | None:
    """Error norms early in training, [n]; None unless a uniform run recorded them.

    Source: Paul, Ganguli, Dziugaite 2021.
    """
    return run.array("el2n").astype(float) if _recorded(run, "el2n") else None


def forgetting(run: StoredRun) -> Floats | None:
    """Reads how often each training sample was forgotten.

    Args:
        run: A finished run.

    Returns:
        The number of forgetting events, [n], infinite for a sample that was never learned; None
        unless a uniform run recorded them.

    Raises:
        UserError: If a sample was not presented twice: its forgetting cannot be observed.

    Source: Toneva et al. 2018, section 3. Samples that were never learned count as most forgettable
        there (and in the authors' code), as least forgettable in DeepCore.
    """
    if not _recorded(run, "forgotten_count"):
        return None
    presented = run.array("presented_count")
    seldom = int((presented < LEAST_PRESENTED).sum())
    require(
        seldom == 0,
        f"{run.name}: {seldom} of {len(presented)} training samples were seen less than "
        f"{LEAST_PRESENTED} times, so their forgetting cannot be observed; train those runs longer",
    )
    forgotten = run.array("forgotten_count").astype(float)
    return np.where(run.array("learned_count") > 0, forgotten, np.inf)


MEASURES: dict[str, Callable[[StoredRun], Floats | None]] = {
    "inclusion": inclusion,
    "el2n": el2n,
    "forgetting": forgetting,
}


def mean_ranks(runs: Sequence[StoredRun], measure: str) -> Floats | None:
    """Ranks the training samples by a measure, averaged over runs.

    Args:
        runs: Finished runs on the same training set.
        measure: A key of `MEASURES`.

    Returns:
        The mean rank of each sample, [n], 1 = lowest; equal values share the mean of their ranks,
        and every run has the same weight. None if no run recorded the measure.
    """
    found = [scores for run in runs if (scores := MEASURES[measure](run)) is not None]
    if not found:
        return None
    return ranks(np.stack(found)).mean(axis=0)


def _recorded(run: StoredRun, name: str) -> bool:
    return run.record.method == UNIFORM and name in run.array_names("/")
