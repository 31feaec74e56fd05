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
    """Of n training samples in S runs that differ in their seed. Counts are since the gate opened.

    Paper: counts of inclusions; here: selections per offer, because a sample may be offered more
    often than another by chance, and from the gate on, because before it nothing is chosen.
    """

    seeds: list[int]
    selected: Counts  # [S, n]
    offered: Counts  # [S, n]
    rates: Floats  # [S, n]
    ranks: Floats  # [S, n], 1 = most selected; equal rates share the mean of their ranks

    @property
    def mean_rank(self) -> Floats:
        """[n]: what the ranking over all seeds is made by; no seed counts more than another."""
        return self.ranks.mean(axis=0)


def importance(
    seeds: Sequence[int], selected: Counts, offered: Counts, prior_offers: float = PRIOR_OFFERS
) -> Importance:
    """From counts [S, n]. prior_offers: of the shrinkage in rates()."""
    rate = rates(selected, offered, prior_offers)
    return Importance(list(seeds), selected, offered, rate, ranks(-rate))


def ranks(values: Floats) -> Floats:
    """Of values [S, n] within each row, 1 = lowest; equal ones share the mean of their ranks."""
    return pd.DataFrame(values.T).rank().to_numpy().T


def importance_of(
    runs: Sequence[StoredRun], prior_offers: float = PRIOR_OFFERS
) -> tuple[Importance, NDArray[np.integer]]:
    """The importance in those of the `runs` that chose, and their predicted classes [S, n].

    Raises UserError if none of them did: with uniform sampling every offered sample is trained on.
    """
    found = {run.record.seed: sample_counts(run) for run in runs}
    chose = {seed: counts for seed, counts in sorted(found.items()) if counts is not None}
    require(
        bool(chose),
        f"{runs[0].record.method}: no run chose among its candidates (uniform sampling, or a gate "
        "that never opened), so no sample is more important; name another arm with figure.method",
    )
    columns = ("selected", "offered", "predicted")
    selected, offered, predicted = (
        np.stack([getattr(counts, name) for counts in chose.values()]) for name in columns
    )
    return importance([*chose], selected, offered, prior_offers), predicted


def sample_table(
    found: Importance, labels: NDArray[np.integer], predicted: NDArray[np.integer]
) -> pd.DataFrame:
    """One row per training sample, in the dataset's order.

    predicted: the most frequent prediction over the seeds; predicted_share: of the seeds that agree
    with it. selected, offered: sums over the seeds. rate, rate_sd: mean and standard deviation over
    the seeds (NaN for one). rank: 1 = most selected, by mean_rank; of equals the lower index first.
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
    """The most frequent value of each column of [S, n], the lowest of equals, and its share."""
    votes = np.zeros(predicted.shape[1], np.int64)
    winner = np.zeros_like(votes)
    for value in np.unique(predicted):
        count = (predicted == value).sum(axis=0)
        winner[count > votes] = value
        votes = np.maximum(count, votes)
    return winner, votes / predicted.shape[0]
