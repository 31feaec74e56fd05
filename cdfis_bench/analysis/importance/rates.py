"""How much a training sample is wanted: its selections per offer, in one run.

Numpy only: every run shows its own most and least selected samples and must not wait for pandas.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cdfis_bench.records.stored_run import StoredRun

Floats = NDArray[np.float64]
Counts = NDArray[np.integer]
Extremes = dict[str, list[dict[str, int | float]]]  # "most", "least" -> one dict per sample

PRIOR_OFFERS = 5.0
UNKNOWN = -1  # predicted class of a run that recorded none


@dataclass(frozen=True, slots=True)
class SampleCounts:
    """Per training sample, [n] each: selections and offers since the gate opened, and the class
    that the trained network predicts.
    """

    selected: Counts
    offered: Counts
    predicted: Counts


def sample_counts(run: StoredRun) -> SampleCounts | None:
    """The counts of a run; None if it never chose: its gate stayed closed, or it took every offer.

    Then there is no importance to speak of: every sample that was offered was trained on.
    """
    selected, offered = (run.array(f"{name}_count_open") for name in ("selected", "offered"))
    if selected.sum() >= offered.sum():
        return None
    known = "train_prediction" in run.array_names("/")
    predicted = run.array("train_prediction") if known else np.full(len(selected), UNKNOWN)
    return SampleCounts(selected, offered, predicted)


def rates(selected: Counts, offered: Counts, prior_offers: float = PRIOR_OFFERS) -> Floats:
    """Selections per offer, drawn towards the mean: (selected + a m) / (offered + a), [..., n].

    a: prior_offers; m: the mean share of the last axis, sum(selected) / sum(offered) = N / K. A
    sample that was offered once and taken is thereby no more important than one that was offered
    fifty times and taken forty; one that was never offered gets m. Repeats count: a rate may exceed
    1.
    """
    share = selected.sum(axis=-1, keepdims=True) / offered.sum(axis=-1, keepdims=True)
    return (selected + prior_offers * share) / (offered + prior_offers)


def extremes(run: StoredRun, labels: Counts, samples: int) -> Extremes | None:
    """The most and the least selected training samples of one run, most extreme first.

    labels: [n]. Each a dict of index, label, predicted, selected, offered, rate. Equal rates: lower
    index first. None if the run never chose.
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
