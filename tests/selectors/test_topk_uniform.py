"""Top-k takes the highest, uniform takes anyone."""

import math

import pytest
import torch

from cdfis_bench.core.streams import stream
from cdfis_bench.selectors.topk import TopkSelector
from cdfis_bench.selectors.uniform import UniformSelector


def test_topk_takes_the_highest_scores():
    drawn = TopkSelector()(torch.tensor([0.1, 0.2, 0.3, 1.4]), 2, stream(0, "top"))
    assert set(drawn.indices.tolist()) == {2, 3}
    assert drawn.probabilities is None and not drawn.fallback


def test_topk_follows_a_permutation_of_the_candidates():
    scores = torch.rand(100, generator=stream(0, "scores"))
    order = torch.randperm(100, generator=stream(1, "order"))
    plain = TopkSelector()(scores, 10, stream(2, "top")).indices
    permuted = TopkSelector()(scores[order], 10, stream(2, "top")).indices
    assert set(order[permuted].tolist()) == set(plain.tolist())


def test_topk_chooses_among_equal_scores_at_random():
    generator = stream(0, "ties")
    drawn = torch.cat([TopkSelector()(torch.ones(10), 5, generator).indices for _ in range(4000)])
    shares = torch.bincount(drawn, minlength=10) / len(drawn)
    assert (shares - 0.1).abs().max() < 0.01  # five standard deviations


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_topk_of_unusable_scores_is_uniform_and_flagged(bad):
    scores = torch.tensor([bad, 1.0, 2.0, 3.0])
    generator = stream(0, "bad")
    selections = [TopkSelector()(scores, 2, generator) for _ in range(4000)]
    assert all(selection.fallback for selection in selections)
    shares = torch.bincount(torch.cat([s.indices for s in selections]), minlength=4) / 8000
    assert (shares - 0.25).abs().max() < 0.025


def test_topk_accepts_negative_scores():
    assert TopkSelector()(torch.tensor([-3.0, -1.0]), 1, stream(0, "neg")).indices.tolist() == [1]


def test_uniform_draws_distinct_candidates_equally_often():
    generator = stream(0, "uniform")
    drawn = [UniformSelector()(torch.zeros(10), 5, generator).indices for _ in range(4000)]
    assert all(len(set(indices.tolist())) == 5 for indices in drawn)
    shares = torch.bincount(torch.cat(drawn), minlength=10) / 20_000
    assert (shares - 0.1).abs().max() < 0.01
