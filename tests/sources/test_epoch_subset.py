"""Epochs over a part of the training set: who is left out, and how the others weigh."""

import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import stream
from cdfis_bench.selectors.mean_cut import MeanCutSelector
from cdfis_bench.selectors.uniform import UniformSelector
from cdfis_bench.sources.epoch_subset import EpochSubsetSource
from cdfis_bench.weightings.per_sample import PerSampleWeighting
from tests.sources.fakes import context_of, next_mini_batch, samples


def epoch(context, steps):
    found = [next_mini_batch(context) for _ in range(steps)]
    rows = torch.cat([one.batch.index for one in found])
    if found[0].loss_weights is None:
        return rows, None
    return rows, torch.cat([one.loss_weights for one in found])


def test_the_worked_example_of_infobatch():
    """Scores 1 1 1 1 5, mean 1.8, r = 0.5: two of the easy four stay and weigh 2; the sum is 5."""
    scores = torch.tensor([1.0, 1, 1, 1, 5])
    selection = MeanCutSelector(0.5)(scores, 5, stream(0, "select"))
    assert sorted(selection.loss_weights.tolist()) == [1, 2, 2]
    assert 4 in selection.indices.tolist() and len(selection.indices.unique()) == 3
    assert selection.loss_weights[selection.indices == 4] == 1


@pytest.mark.parametrize("ratio", [0.3, 0.5])
def test_the_weights_sum_to_n_and_every_easy_sample_weighs_one_in_expectation(ratio):
    scores, total = torch.tensor([1.0, 1, 1, 5]), torch.zeros(4)
    selector, generator = MeanCutSelector(ratio), stream(0, "select")
    for _ in range(4000):
        selection = selector(scores, 4, generator)
        assert selection.loss_weights.sum().item() == pytest.approx(4)
        total.index_add_(0, selection.indices, selection.loss_weights)
    assert torch.allclose(total / 4000, torch.ones(4), atol=0.06)


def test_equal_scores_are_all_kept():
    selection = MeanCutSelector(0.5)(torch.full((1000,), 3.0), 9, stream(0, "select"))
    assert len(selection.indices) == 1000 and bool((selection.loss_weights == 1).all())


def test_an_epoch_goes_once_through_the_kept_with_their_own_weights():
    scores = torch.tensor([1.0] * 80 + [9.0] * 20)
    source = EpochSubsetSource(samples(100), 10, 10)
    weighting = PerSampleWeighting()
    context = context_of(source, scores, MeanCutSelector(0.5), weighting=weighting)
    rows, weights = epoch(context, 6)
    assert len(rows.unique()) == 60 and set(range(80, 100)) <= set(rows.tolist())
    assert torch.equal(weights, torch.where(rows < 80, 2.0, 1.0))


def test_towards_the_end_whole_epochs_are_trained_on():
    scores = torch.tensor([1.0] * 80 + [9.0] * 20)
    source = EpochSubsetSource(samples(100), 10, 10, until=0.875)
    rows, weights = epoch(context_of(source, scores, MeanCutSelector(0.5), progress=0.9), 10)
    assert sorted(rows.tolist()) == list(range(100)) and weights is None


def test_random_subsets_differ_from_epoch_to_epoch():
    source = EpochSubsetSource(samples(100), 10, 10, share=0.3)
    context = context_of(source, torch.ones(100), UniformSelector())
    first, second = (epoch(context, 3)[0] for _ in range(2))
    assert len(first.unique()) == len(second.unique()) == 30
    assert set(first.tolist()) != set(second.tolist())


def test_too_few_samples_for_a_mini_batch_are_refused():
    scores = torch.tensor([0.0, 0, 0, 9])
    context = context_of(EpochSubsetSource(samples(4), 4, 4), scores, MeanCutSelector(1.0))
    with pytest.raises(UserError, match="only 1 samples were left"):
        next_mini_batch(context)


def test_the_selection_of_an_epoch_and_its_fallback_are_reported():
    scores = torch.tensor([1.0] * 80 + [9.0] * 20)
    context = context_of(EpochSubsetSource(samples(100), 10, 10), scores, MeanCutSelector(0.5))
    first, second = next_mini_batch(context), next_mini_batch(context)
    assert first.is_new_selection and torch.equal(first.scores, scores)
    assert len(first.selection.indices) == 60 and not first.selection.fallback
    assert not second.is_new_selection and second.scores is None
    scores[3] = torch.nan
    context = context_of(EpochSubsetSource(samples(100), 10, 10), scores, MeanCutSelector(0.5))
    assert all(next_mini_batch(context).selection.fallback for _ in range(10))
