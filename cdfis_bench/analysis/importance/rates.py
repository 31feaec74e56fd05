"""The importance of training samples in one run: selections per offer.

NumPy only: every run shows its own most and least selected samples and must not wait for pandas.
"""

from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from cdfis_bench.records.stored_run import StoredRun

Floats = NDArray[np.float64]
Counts = NDArray[np.integer]

PRIOR_OFFERS = 5.0
UNKNOWN = -1  # predicted class of a run that recorded none


class SampleRow(TypedDict):
    """One training sample in a list of the most or least selected ones."""

    index: int
    label: int
    predicted: int
    selected: int
    offered: int
    rate: float


Extremes = dict[str, list[SampleRow]]  # "most" and "least"


@dataclass(frozen=True, slots=True)
class SampleCounts:
    """What one run did with each of n training samples since its gate opened.

    Attributes:
        selected: Times trained on. [n]
        offered: Times among the candidates. [n]
        predicted: Class that the trained network predicts; `UNKNOWN` if not recorded. [n]
    """

    selected: Counts
    offered: Counts
    predicted: Counts


def sample_counts(run: StoredRun) -> SampleCounts | None:
    """Reads the counts of a run.

    Args:
        run: A finished run.

    Returns:
        The counts since the gate opened; None if the run never selected (its gate stayed closed, or
        it trained on every sample that it was offered). Importance is undefined then.
    """
    selected, offered = (run.array(f"{name}_count_open") for name in ("selected", "offered"))
    if selected.sum() >= offered.sum():
        return None
    known = "train_prediction" in run.array_names("/")
    predicted = run.array("train_prediction") if known else np.full(len(selected), UNKNOWN)
    return SampleCounts(selected, offered, predicted)


def rates(selected: Counts, offered: Counts, prior_offers: float = PRIOR_OFFERS) -> Floats:
    """Selections per offer, shrunk towards their mean.

    rate = (selected + a m) / (offered + a), where m = sum(selected) / sum(offered) = N / K over the
    last axis. A sample that was offered once and selected is thereby no more important than one
    that was offered fifty times and selected forty times; one that was never offered has rate m.

    Args:
        selected: Counts, [..., n]. Repeats within a mini-batch count, so a rate may exceed 1.
        offered: Counts, [..., n].
        prior_offers: a, in offers.

    Returns:
        [..., n].
    """
    share = selected.sum(axis=-1, keepdims=True) / offered.sum(axis=-1, keepdims=True)
    return (selected + prior_offers * share) / (offered + prior_offers)


def extremes(run: StoredRun, labels: Counts, samples: int) -> Extremes | None:
    """The most and the least selected training samples of one run.

    Args:
        run: A finished run.
        labels: Classes of the training samples, [n].
        samples: The number of samples at either end.

    Returns:
        Rows of "most" and "least", most extreme first, the lower index first among equal rates;
        None if the run never selected.
    """
    counts = sample_counts(run)
    if counts is None:
        return None
    rate = rates(counts.selected, counts.offered)
    falling, rising = (np.argsort(sign * rate, kind="stable")[:samples] for sign in (-1, 1))
    return {
        which: [
            {
                "index": int(row),
                "label": int(labels[row]),
                "predicted": int(counts.predicted[row]),
                "selected": int(counts.selected[row]),
                "offered": int(counts.offered[row]),
                "rate": float(rate[row]),
            }
            for row in rows
        ]
        for which, rows in (("most", falling), ("least", rising))
    }
