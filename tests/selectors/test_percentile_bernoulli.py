"""Selective-Backprop: each on its own, by its percentile among recent scores."""

import pytest
import torch
from scipy.stats import chisquare

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import stream
from cdfis_bench.selectors.percentile_bernoulli import PercentileBernoulliSelector, acceptance

HISTORY = torch.arange(1, 11, dtype=torch.float64)


def test_acceptance_of_known_cases():
    five, lowest = torch.tensor([5.0]).double(), torch.tensor([1.0]).double()
    assert acceptance(five, HISTORY, 1).item() == pytest.approx(0.4)
    assert acceptance(five, HISTORY, 2).item() == pytest.approx(0.16)
    assert acceptance(lowest, HISTORY, 3).item() == 0


@pytest.mark.parametrize("beta", [1, 2, 3])
def test_accepted_shares_are_those_of_the_percentiles(beta):
    """Chi-square over 100,000 candidates in ten classes; one of beta + 1 is accepted."""
    scores = torch.rand(100_000, generator=stream(0, "scores"))
    selector = PercentileBernoulliSelector(beta, history=100_000)
    accepted = selector(scores, 1, stream(1, "accept")).indices
    assert len(accepted) / 1e5 == pytest.approx(1 / (beta + 1), abs=0.008)
    ranks = scores.argsort().argsort().double() / 1e5
    seen = torch.histc(ranks[accepted], 10, 0, 1)
    edges = torch.linspace(0, 1, 11, dtype=torch.float64).pow(beta + 1)
    expected = edges.diff() * len(accepted)
    assert chisquare(seen.double(), expected).pvalue > 1e-4


def test_only_recent_scores_count():
    selector = PercentileBernoulliSelector(beta=0.001, history=4)
    selector(torch.full((4,), 100.0), 1, stream(0, "old"))
    assert len(selector(torch.tensor([1.0, 2.0]), 1, stream(0, "low")).indices) <= 1
    selector(torch.tensor([0.1, 0.2, 0.3, 0.4]), 1, stream(0, "new"))
    # Next to certain, now that the hundreds are forgotten: beta is next to 0.
    assert len(selector(torch.tensor([50.0, 60.0]), 1, stream(0, "high")).indices) == 2


def test_the_lowest_is_never_accepted_and_broken_scores_are_not_remembered():
    scores = torch.arange(8.0)
    selector, generator = PercentileBernoulliSelector(1.0), stream(0, "accept")
    drawn = torch.cat([selector(scores, 1, generator).indices for _ in range(200)])
    assert 0 not in drawn and len(drawn.unique()) == 7
    before = selector.state_dict()["recent"]
    assert selector(torch.full((8,), torch.nan), 1, generator).fallback
    assert selector.state_dict()["recent"] is before


@pytest.mark.parametrize("values", [{"beta": -1}, {"history": 0}, {"history": 2.5}])
def test_impossible_values_are_refused(values):
    with pytest.raises(UserError, match=r"selector\.(beta|history)="):
        PercentileBernoulliSelector(**values)
