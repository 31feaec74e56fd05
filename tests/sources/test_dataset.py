"""Draws from the whole training set follow the law, and unbiased weights undo it."""

import torch
from scipy.stats import chisquare

from cdfis_bench.core.streams import stream
from cdfis_bench.selectors.cdf import CdfSelector
from cdfis_bench.sources.dataset import DatasetSource
from cdfis_bench.weightings.unbiased import UnbiasedWeighting
from tests.sources.fakes import parts, samples

SCORES = torch.tensor([0.1, 0.2, 0.3, 1.4, 0.0])


def drawn(source, of, steps):
    return torch.cat([source.choose(True, stream(0, "o"), of).batch.index for _ in range(steps)])


def test_draws_follow_the_masses_and_a_mass_of_zero_is_never_drawn():
    of = parts(SCORES, CdfSelector(), n=4)
    counts = torch.bincount(drawn(DatasetSource(samples(5), 5, 4, 1000), of, 25_000), minlength=5)
    assert counts[4] == 0
    expected = SCORES[:4].double() / 2 * 100_000
    assert chisquare(counts[:4], expected).pvalue > 0.01


def test_the_mean_of_the_weighted_values_is_that_of_the_whole_set():
    """E[(1/N) sum w_i v_i] = mean v for any law without zeros: KF18's condition, over all n."""
    values = torch.tensor([3.0, -1.0, 2.0, 5.0])
    of = parts(SCORES[:4], CdfSelector(), n=4, weighting=UnbiasedWeighting())
    source, total = DatasetSource(samples(4), 4, 4, 1000), 0.0
    for _ in range(20_000):
        chosen = source.choose(True, stream(0, "order"), of)
        total += (chosen.weights * values[chosen.batch.index]).mean().item()
    assert abs(total / 20_000 - values.mean().item()) < 0.03  # 4 standard errors


def test_the_law_is_made_again_when_it_is_old_and_not_before():
    table = torch.tensor([1.0, 0.0])
    of, source = parts(table, CdfSelector(), n=8), DatasetSource(samples(2), 2, 2, 3)
    order = stream(0, "order")
    assert source.choose(True, order, of).batch.index.sum() == 0
    table.copy_(torch.tensor([0.0, 1.0]))
    rows = [source.choose(True, order, of).batch.index.sum().item() for _ in range(3)]
    assert rows == [0, 0, 8]


def test_only_what_is_trained_on_is_loaded_and_closed_it_is_uniform():
    of, source = parts(torch.ones(100), CdfSelector(), n=10), DatasetSource(samples(100), 40, 10, 5)
    assert source.choose(True, stream(0, "order"), of).loaded == 10
    order = stream(1, "order")
    rows = torch.cat([source.choose(False, order, of).batch.index for _ in range(10)])
    assert sorted(rows.tolist()) == list(range(100))
