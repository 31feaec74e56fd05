"""The distribution of importance over the classes, and over the samples."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdfis_bench.analysis.importance.ranking import Importance
from cdfis_bench.analysis.importance.rates import Counts
from cdfis_bench.analysis.stats import mean_interval

BINS = 60


def class_shares(found: Importance, labels: NDArray[np.integer], n_classes: int) -> pd.DataFrame:
    """Each class's share of the training set, of the offers, and of the selections.

    Args:
        found: The importance of n samples in S runs.
        labels: Classes of the samples, [n].
        n_classes: Number of classes.

    Returns:
        One row per class: label, samples, offered, selected, selected_low, selected_high.
        Fractions, averaged over the seeds; the bounds are a 95 % Student-t interval, NaN with one
        seed.
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


def rate_histogram(found: Importance, chance: Importance, bins: int = BINS) -> pd.DataFrame:
    """Histogram of the samples' mean rates, observed and under the null distribution.

    Args:
        found: The observed importance.
        chance: A draw from the null distribution, see `by_chance`.
        bins: Number of bins.

    Returns:
        One row per bin: its edges low and high, and the number of samples observed in it (samples)
        and by chance (by_chance).
    """
    mean, expected = found.rates.mean(axis=0), chance.rates.mean(axis=0)
    edges = np.linspace(0, max(mean.max(), expected.max()), bins + 1)
    samples, by_chance = (np.histogram(values, edges)[0] for values in (mean, expected))
    return pd.DataFrame(
        {"low": edges[:-1], "high": edges[1:], "samples": samples, "by_chance": by_chance}
    )
