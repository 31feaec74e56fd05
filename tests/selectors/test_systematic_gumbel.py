"""Draws without repeats: exact inclusion probabilities, and the exponential race."""

from itertools import pairwise, permutations

import pytest
import torch

from cdfis_bench.core.draws import draw_distinct
from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import stream
from cdfis_bench.selectors.cdf import CdfSelector
from cdfis_bench.selectors.gumbel import GumbelSelector
from cdfis_bench.selectors.systematic import (
    SystematicSelector,
    inclusion_probabilities,
    systematic_draw,
)

SCORES = torch.tensor([0.1, 0.2, 0.3, 1.4])


def every_draw(inclusion, n):
    """(chance, indices) of every order of the candidates and every stretch of u."""
    k = len(inclusion)
    orders = [torch.tensor(order) for order in permutations(range(k))]
    for order in orders:
        cuts = torch.cat([torch.tensor([0.0, 1.0]).double(), inclusion[order].cumsum(0) % 1])
        cuts = cuts.sort().values
        for low, high in pairwise(cuts):
            if high - low > 1e-9:
                chance = ((high - low) / len(orders)).item()
                yield chance, systematic_draw(inclusion, n, order, (low + high) / 2)


def test_inclusion_of_a_known_case_is_capped_at_one():
    pi = inclusion_probabilities(SCORES.double(), 2)
    assert pi.tolist() == pytest.approx([1 / 6, 1 / 3, 1 / 2, 1])


@pytest.mark.parametrize(
    ("weights", "n", "expected"),
    [
        ([0, 0, 0, 1], 2, [1 / 3, 1 / 3, 1 / 3, 1]),  # too few positive ones
        ([0, 1, 0, 2], 2, [0, 1, 0, 1]),
        ([1, 1, 1, 1], 4, [1, 1, 1, 1]),
        ([1, 1, 1, 1], 1, [0.25] * 4),
        ([9, 5, 1, 1], 3, [1, 1, 0.5, 0.5]),  # the second cap follows from the first
    ],
)
def test_inclusion_sums_to_n_and_never_exceeds_one(weights, n, expected):
    pi = inclusion_probabilities(torch.tensor(weights).double(), n)
    assert pi.tolist() == pytest.approx(expected)


def test_inclusion_of_many_skewed_masses():
    weights = torch.rand(1024, dtype=torch.float64, generator=stream(0, "weights")).pow(20)
    pi = inclusion_probabilities(weights, 128)
    assert pi.sum().item() == pytest.approx(128)
    assert pi.max() == 1 and (pi == 1).sum() > 10
    ratios = (pi / weights)[pi < 1]
    assert ((ratios / ratios.mean() - 1).abs() < 1e-9).all()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_systematic_draws_include_each_as_often_as_they_say(n):
    """Exactly: all orders, all u."""
    pi = inclusion_probabilities(SCORES.double(), n)
    included, total = torch.zeros(4, dtype=torch.float64), 0.0
    for chance, drawn in every_draw(pi, n):
        assert len(drawn.unique()) == n
        included[drawn] += chance
        total += chance
    assert total == pytest.approx(1)
    assert included.tolist() == pytest.approx(pi.tolist())


def test_selected_counts_follow_the_inclusion():
    """100,000 selected samples; each count within five standard deviations."""
    scores = torch.rand(40, generator=stream(0, "scores")).pow(3)
    generator, selector = stream(1, "draws"), SystematicSelector()
    drawn = torch.cat([selector(scores, 20, generator).indices for _ in range(5000)])
    pi = selector(scores, 20, generator).inclusion_probabilities
    shares = torch.bincount(drawn, minlength=40) / 5000
    assert ((shares - pi).abs() <= 5 * (pi * (1 - pi) / 5000).sqrt() + 1e-9).all()


def test_gumbel_at_temperature_one_is_cdf_without_replacement():
    scores = torch.rand(50, generator=stream(0, "scores"))
    ours = GumbelSelector()(scores, 20, stream(1, "race")).indices
    assert torch.equal(ours, CdfSelector(replacement=False)(scores, 20, stream(1, "race")).indices)


def test_gumbel_masses_are_powers_or_exponentials():
    root = draw_distinct(SCORES.double().sqrt(), 3, stream(0, "race"))
    assert torch.equal(GumbelSelector("mass", 2.0)(SCORES, 3, stream(0, "race")).indices, root)
    signed = SCORES - 1
    softmax = draw_distinct((signed.double() / 0.25).exp(), 3, stream(0, "race"))
    ours = GumbelSelector("exp", 0.25)(signed, 3, stream(0, "race")).indices
    assert torch.equal(ours, softmax)


def test_gumbel_gets_to_top_k_when_cold():
    scores = torch.rand(50, generator=stream(0, "scores"))
    drawn = GumbelSelector("mass", 0.001)(scores, 10, stream(1, "cold")).indices
    assert len(set(drawn.tolist()) & set(scores.topk(10).indices.tolist())) >= 9


@pytest.mark.parametrize("values", [{"form": "rank"}, {"temperature": 0}])
def test_impossible_values_are_refused(values):
    with pytest.raises(UserError, match=r"selector\.(form|temperature)="):
        GumbelSelector(**values)
