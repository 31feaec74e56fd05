"""Is a sample's importance real? What the seeds agree on, held against what luck would give."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from cdfis_bench.analysis.importance.ranking import Importance, importance
from cdfis_bench.analysis.importance.rates import PRIOR_OFFERS, Counts, Floats

TOP_FRACTION = 0.1


@dataclass(frozen=True, slots=True)
class Agreement:
    """Spearman's rank correlation of the samples' rates, for every pair of seeds.

    reliability: what the ranking averaged over these seeds would correlate with that of as many
    other seeds (Spearman-Brown, S r / (1 + (S - 1) r)). NaN with one seed.
    """

    pairs: dict[tuple[int, int], float]
    mean: float
    reliability: float


def agreement(found: Importance) -> Agreement:
    """Over all samples; those never offered in a run lie in the middle of its ranking."""
    seeds = found.seeds
    if len(seeds) < 2:
        return Agreement({}, np.nan, np.nan)
    matrix = np.corrcoef(found.ranks)
    pairs = {
        (seeds[a], seeds[b]): float(matrix[a, b]) for a, b in combinations(range(len(seeds)), 2)
    }
    mean = float(np.mean([*pairs.values()]))
    return Agreement(pairs, mean, len(seeds) * mean / (1 + (len(seeds) - 1) * mean))


def by_luck(found: Importance, prior_offers: float = PRIOR_OFFERS) -> Importance:
    """The same offers, had all samples been equally important: a draw from a fixed stream.

    An offered sample is then selected N / K times on average: Poisson counts, as where it can
    be drawn repeatedly; where it cannot, luck is a little less (binomial): this flatters nobody.
    """
    rng = np.random.default_rng(0)
    share = found.selected.sum(axis=1, keepdims=True) / found.offered.sum(axis=1, keepdims=True)
    selected = rng.poisson(share * found.offered)
    return importance(found.seeds, selected, found.offered, prior_offers)


def top_shares(selected: Counts, fraction: float = TOP_FRACTION) -> Floats:
    """Of all selections of each run, the share that went to the most selected samples. [S]

    fraction: how many of the samples these are. selected: [S, n].
    """
    top = max(1, round(fraction * selected.shape[1]))
    most = np.partition(selected, -top, axis=1)[:, -top:]
    return most.sum(axis=1) / selected.sum(axis=1)
