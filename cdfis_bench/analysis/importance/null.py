"""Whether importance is real: the agreement of seeds, compared with the null distribution."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from cdfis_bench.analysis.importance.ranking import Importance, importance
from cdfis_bench.analysis.importance.rates import PRIOR_OFFERS, Counts, Floats

TOP_FRACTION = 0.1


@dataclass(frozen=True, slots=True)
class Agreement:
    """How much the rankings of different seeds agree; NaN with one seed.

    Attributes:
        pairs: Spearman's rank correlation of the samples' rates for each pair of seeds.
        mean: The mean over the pairs.
        reliability: The expected correlation of the ranking averaged over these S seeds with that
            of as many other seeds: S r / (1 + (S - 1) r) with r = `mean` (Spearman-Brown).
    """

    pairs: dict[tuple[int, int], float]
    mean: float
    reliability: float


def agreement(found: Importance) -> Agreement:
    """The agreement over all samples; those never offered to a run are mid-rank in it."""
    seeds = found.seeds
    if len(seeds) < 2:
        return Agreement({}, np.nan, np.nan)
    matrix = np.atleast_2d(np.corrcoef(found.ranks))
    pairs = {
        (seeds[a], seeds[b]): float(matrix[a, b]) for a, b in combinations(range(len(seeds)), 2)
    }
    mean = float(np.mean([*pairs.values()]))
    return Agreement(pairs, mean, len(seeds) * mean / (1 + (len(seeds) - 1) * mean))


def by_chance(found: Importance, prior_offers: float = PRIOR_OFFERS) -> Importance:
    """A draw from the null distribution: the same offers, had all samples been equally important.

    An offered sample is then selected N / K times on average. Counts are drawn from a Poisson
    distribution, as if samples could be repeated within a mini-batch; where they cannot, the true
    (binomial) null distribution is slightly narrower, so the comparison is conservative. The random
    stream is fixed.
    """
    rng = np.random.default_rng(0)
    share = found.selected.sum(axis=1, keepdims=True) / found.offered.sum(axis=1, keepdims=True)
    selected = rng.poisson(share * found.offered)
    return importance(found.seeds, selected, found.offered, prior_offers)


def top_shares(selected: Counts, fraction: float = TOP_FRACTION) -> Floats:
    """The share of all selections that went to the most selected samples.

    Args:
        selected: Counts, [S, n].
        fraction: The fraction of the samples that counts as the most selected.

    Returns:
        The share in each run, [S].
    """
    top = max(1, round(fraction * selected.shape[1]))
    most = np.partition(selected, -top, axis=1)[:, -top:]
    return most.sum(axis=1) / selected.sum(axis=1)
