"""Distributions of importance: over the classes, and over the samples."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdfis_bench.analysis.importance.ranking import Importance
from cdfis_bench.analysis.importance.rates import Counts
from cdfis_bench.analysis.stats import mean_interval

BINS = 60


def class_shares(found: Importance, labels: NDArray[np.integer], n_classes: int) -> pd.DataFrame:
    """One row per class: its share of the training set, of the offers and of the selections.

    Fractions; means over the seeds, of the selections with their 95 % t-interval (low, high; NaN
    with one seed).
    """
    offered, _, _ = mean_interval(_shares(found.offered, labels, n_classes))
    selected, low, high = mean_interval(_shares(found.selected, labels, n_classes))
    samples = np.bincount(labels, minlength=n_classes) / len(labels)
    return pd.DataFrame(
        {
            "label": np.arange(n_classes),
            "samples": samples,
            "offered": offered,
            "selected": selected,
            "selected_low": low,
            "selected_high": high,
        }
    )


def _shares(counts: Counts, labels: NDArray[np.integer], n_classes: int) -> NDArray[np.float64]:
    """[S, classes] from [S, n]."""
    of_class = [np.bincount(labels, weights=run, minlength=n_classes) for run in counts]
    return np.stack(of_class) / counts.sum(axis=1, keepdims=True)


def rate_histogram(found: Importance, luck: Importance, bins: int = BINS) -> pd.DataFrame:
    """How many samples have a mean rate from `low` to `high`, and how many would have by luck."""
    mean, by_luck = found.rates.mean(axis=0), luck.rates.mean(axis=0)
    edges = np.linspace(0, max(mean.max(), by_luck.max()), bins + 1)
    samples, lucky = (np.histogram(values, edges)[0] for values in (mean, by_luck))
    return pd.DataFrame(
        {"low": edges[:-1], "high": edges[1:], "samples": samples, "by_luck": lucky}
    )
