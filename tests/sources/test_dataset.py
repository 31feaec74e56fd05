"""Draws from the whole training set follow the distribution, and unbiased weights undo it."""

import torch
from scipy.stats import chisquare

from cdfis_bench.selectors.cdf import CdfSelector
from cdfis_bench.sources.dataset import DatasetSource
from cdfis_bench.weightings.unbiased import UnbiasedWeighting
from tests.sources.fakes import context_of, next_mini_batch, samples

SCORES = torch.tensor([0.1, 0.2, 0.3, 1.4, 0.0])


def test_draws_follow_the_scores_and_a_score_of_zero_is_never_drawn():
    context = context_of(DatasetSource(samples(5), 5, 4, 1000), SCORES, CdfSelector())
    rows = torch.cat([next_mini_batch(context).batch.index for _ in range(25_000)])
    counts = torch.bincount(rows, minlength=5)
    assert counts[4] == 0
    expected = SCORES[:4].double() / 2 * 100_000
    assert chisquare(counts[:4], expected).pvalue > 0.01


def test_the_mean_of_the_weighted_values_is_that_of_the_whole_set():
    """E[(1/N) sum w_i v_i] = mean v for any positive distribution: KF18's condition, over all n."""
    values = torch.tensor([3.0, -1.0, 2.0, 5.0])
    source = DatasetSource(samples(4), 4, 4, 1000)
    context = context_of(source, SCORES[:4], CdfSelector(), weighting=UnbiasedWeighting())
    total = 0.0
    for _ in range(20_000):
        found = next_mini_batch(context)
        total += (found.loss_weights * values[found.batch.index]).mean().item()
    assert abs(total / 20_000 - values.mean().item()) < 0.03  # 4 standard errors


def test_the_distribution_is_made_again_when_it_is_old_and_not_before():
    table = torch.tensor([1.0, 0.0])
    context = context_of(DatasetSource(samples(2), 2, 8, 3), table, CdfSelector())
    assert next_mini_batch(context).batch.index.sum() == 0
    table.copy_(torch.tensor([0.0, 1.0]))
    rows = [next_mini_batch(context).batch.index.sum().item() for _ in range(3)]
    assert rows == [0, 0, 8]


def test_only_what_is_trained_on_is_loaded_and_closed_it_is_uniform():
    source = DatasetSource(samples(100), 40, 10, 5)
    assert next_mini_batch(context_of(source, torch.ones(100), CdfSelector())).loaded == 10
    closed = context_of(source, torch.ones(100), CdfSelector(), open=False)
    rows = torch.cat([next_mini_batch(closed).batch.index for _ in range(10)])
    assert sorted(rows.tolist()) == list(range(100))


def test_a_fallback_and_the_scores_behind_the_draws_are_reported():
    bad = torch.tensor([1.0, torch.nan, 2.0])
    found = next_mini_batch(context_of(DatasetSource(samples(3), 3, 2, 5), bad, CdfSelector()))
    assert found.selection.fallback
    context = context_of(DatasetSource(samples(5), 5, 4, 5), SCORES, CdfSelector())
    found = next_mini_batch(context)
    assert found.is_new_selection and not next_mini_batch(context).is_new_selection
    assert torch.equal(found.scores, SCORES) and not found.selection.fallback
    tau = (5 * (SCORES / 2).square().sum()).sqrt()
    assert torch.allclose(found.score_statistics.tau.float(), tau)
