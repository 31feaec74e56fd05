"""Sample importance over the seeds of an arm (paper section 4.3), as a ranking and a table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdfis_bench.analysis.importance.rates import PRIOR_OFFERS, Counts, Floats, rates, sample_counts
from cdfis_bench.core.errors import require
from cdfis_bench.records.stored_run import StoredRun


@dataclass(frozen=True, slots=True)
class Importance:
    """The importance of n training samples in S runs that differ in their seed.

    The paper counts inclusions. Here importance is selections per offer since the gate opened,
    because some samples are offered more often than others at random, and nothing is selected
    before the gate opens.

    Attributes:
        seeds: The seed of each run.
        selected: Times trained on. [S, n]
        offered: Times among the candidates. [S, n]
        rates: Selections per offer, see `rates`. [S, n]
        ranks: Ranks within each run, 1 = most selected; equal rates share the mean of their ranks.
            [S, n]
    """

    seeds: list[int]
    selected: Counts
    offered: Counts
    rates: Floats
    ranks: Floats

    @property
    def mean_rank(self) -> Floats:
        """The ranks averaged over the seeds, [n]; every seed has the same weight."""
        return self.ranks.mean(axis=0)


def importance(
    seeds: Sequence[int], selected: Counts, offered: Counts, prior_offers: float = PRIOR_OFFERS
) -> Importance:
    """Computes rates and ranks from counts.

    Args:
        seeds: The seed of each run.
        selected: Times trained on, [S, n].
        offered: Times among the candidates, [S, n].
        prior_offers: Shrinkage of the rates, see `rates`.

    Returns:
        The importance of the n samples in the S runs.
    """
    rate = rates(selected, offered, prior_offers)
    return Importance(list(seeds), selected, offered, rate, ranks(-rate))


def ranks(values: Floats) -> Floats:
    """Ranks of values [S, n] within each row, 1 = lowest; equal values share their mean rank."""
    return pd.DataFrame(values.T).rank().to_numpy().T


def importance_of(
    runs: Sequence[StoredRun], prior_offers: float = PRIOR_OFFERS
) -> tuple[Importance, NDArray[np.integer]]:
    """The importance in those runs that selected among their candidates.

    Args:
        runs: Finished runs that differ in their seed.
        prior_offers: Shrinkage of the rates, see `rates`.

    Returns:
        The importance, and the classes that the trained networks predict, [S, n].

    Raises:
        UserError: If no run selected; uniform sampling trains on every sample that it is offered.
    """
    found = {run.record.seed: sample_counts(run) for run in runs}
    selecting = {seed: counts for seed, counts in sorted(found.items()) if counts is not None}
    require(
        bool(selecting),
        f"{runs[0].record.method}: no run selected among its candidates (uniform sampling, or a "
        "gate that never opened), so no sample is more important than another; name another arm "
        "with figure.method",
    )
    columns = ("selected", "offered", "predicted")
    selected, offered, predicted = (
        np.stack([getattr(counts, name) for counts in selecting.values()]) for name in columns
    )
    return importance([*selecting], selected, offered, prior_offers), predicted


def sample_table(
    found: Importance, labels: NDArray[np.integer], predicted: NDArray[np.integer]
) -> pd.DataFrame:
    """The importance of every training sample, averaged over the seeds.

    Args:
        found: The importance of n samples in S runs.
        labels: Classes of the samples, [n].
        predicted: Classes that the trained networks predict, [S, n].

    Returns:
        One row per sample, in the dataset's order. `predicted` is the most frequent prediction over
        the seeds, `predicted_share` the fraction of the seeds that agree with it. `selected` and
        `offered` are sums over the seeds; `rate` and `rate_sd` the mean and standard deviation over
        them (NaN for one). `rank` orders by `mean_rank`, 1 = most selected, the lower index first
        among equals.
    """
    place = np.empty(len(labels), np.int64)
    place[np.argsort(found.mean_rank, kind="stable")] = np.arange(1, len(labels) + 1)
    frequent, share = _most_frequent(predicted)
    spread = found.rates.std(axis=0, ddof=1) if len(found.seeds) > 1 else np.nan
    return pd.DataFrame(
        {
            "index": np.arange(len(labels)),
            "label": labels,
            "predicted": frequent,
            "predicted_share": share,
            "selected": found.selected.sum(axis=0, dtype=np.int64),
            "offered": found.offered.sum(axis=0, dtype=np.int64),
            "rate": found.rates.mean(axis=0),
            "rate_sd": spread,
            "mean_rank": found.mean_rank,
            "rank": place,
        }
    )


def _most_frequent(predicted: NDArray[np.integer]) -> tuple[Counts, Floats]:
    """The most frequent value in each column of [S, n], the lowest of equals, and its share."""
    votes = np.zeros(predicted.shape[1], np.int64)
    winner = np.zeros_like(votes)
    for value in np.unique(predicted):
        count = (predicted == value).sum(axis=0)
        winner[count > votes] = value
        votes = np.maximum(count, votes)
    return winner, votes / predicted.shape[0]
