"""CDF sampling: the law of the draws, against the oracle of exact probabilities."""

import math

import pytest
import torch

from cdfis_bench.core.draws import draw, draw_distinct
from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import stream
from cdfis_bench.selectors.cdf import CdfSelector, empirical_cdf

SCORES = torch.tensor([0.1, 0.2, 0.3, 1.4])


def frequencies(indices, k):
    return torch.bincount(indices, minlength=k).double() / len(indices)


def within_binomial_bound(observed, expected, draws):
    """Five standard deviations of each frequency: a correct sampler fails once in a million."""
    return bool(
        (
            (observed - expected).abs() <= 5 * (expected * (1 - expected) / draws).sqrt() + 1e-12
        ).all()
    )


@pytest.mark.parametrize(
    ("form", "expected"),
    [("mass", [0.05, 0.10, 0.15, 0.70]), ("rank", [0.1, 0.2, 0.3, 0.4])],
)
def test_draws_match_the_probabilities_of_the_form(form, expected):
    selection = CdfSelector(form)(SCORES, 100_000, stream(0, form))
    expected = torch.tensor(expected, dtype=torch.float64)
    assert torch.allclose(selection.probabilities, expected, atol=1e-7)
    assert within_binomial_bound(frequencies(selection.indices, 4), expected, 100_000)
    assert not selection.fallback


def test_draws_of_many_skewed_scores_match_in_float64():
    weights = torch.rand(1024, dtype=torch.float64, generator=stream(0, "weights")).pow(4)
    drawn = draw(weights, 400_000, stream(1, "draws"))
    assert within_binomial_bound(frequencies(drawn, 1024), weights / weights.sum(), 400_000)


def test_a_zero_score_is_never_drawn():
    scores = torch.tensor([0.0, 1.0, 0.0, 2.0, 0.0])
    drawn = CdfSelector()(scores, 1_000_000, stream(0, "zeros")).indices
    assert set(drawn.unique().tolist()) == {1, 3}


def test_the_only_positive_score_is_always_drawn():
    assert (CdfSelector()(torch.tensor([0.0, 0, 0, 1]), 1000, stream(0, "one")).indices == 3).all()


@pytest.mark.parametrize("bad", [0.0, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("replacement", [True, False])
def test_unusable_scores_are_drawn_uniformly_and_flagged(bad, replacement):
    scores = torch.zeros(8)
    scores[3] = bad
    selector = CdfSelector(replacement=replacement)
    generator = stream(0, "bad")
    drawn = torch.cat([selector(scores, 4, generator).indices for _ in range(5000)])
    assert within_binomial_bound(
        frequencies(drawn, 8), torch.full((8,), 1 / 8, dtype=torch.float64), len(drawn)
    )
    assert selector(scores, 4, generator).fallback


def test_equal_scores_have_equal_ranks():
    assert empirical_cdf(torch.tensor([3.0, 1.0, 3.0, 2.0])).tolist() == [1.0, 0.25, 1.0, 0.5]


def test_rank_form_ignores_the_scale_of_the_scores():
    a, b = (CdfSelector("rank")(s, 64, stream(0, "scale")) for s in (SCORES, SCORES.pow(7) - 5))
    assert torch.equal(a.indices, b.indices)


def test_draws_without_replacement_follow_successive_sampling():
    """P(first = i, second = j) = p_i p_j / (1 - p_i), enumerated."""
    p = (SCORES / SCORES.sum()).double()
    expected = torch.zeros(4, dtype=torch.float64)  # chance of being among the two drawn
    for i in range(4):
        for j in range(4):
            if i != j:
                chance = p[i] * p[j] / (1 - p[i])
                expected[i] += chance
                expected[j] += chance
    generator, weights = stream(0, "successive"), SCORES.double()
    drawn = torch.stack([draw_distinct(weights, 2, generator) for _ in range(40_000)])
    assert (drawn[:, 0] != drawn[:, 1]).all()
    included = torch.bincount(drawn.flatten(), minlength=4) / 40_000
    assert within_binomial_bound(included, expected, 40_000)


@pytest.mark.parametrize("form", ["mass", "rank"])
def test_drawing_all_without_replacement_is_a_permutation(form):
    scores = torch.rand(32, generator=stream(0, "all"))
    scores[:5] = 0  # also with scores that a draw with replacement would never pick
    drawn = CdfSelector(form, replacement=False)(scores, 32, stream(1, "all")).indices
    assert sorted(drawn.tolist()) == list(range(32))


def test_number_of_distinct_samples_is_as_expected():
    """E[distinct] = sum_i 1 - (1 - p_i)^N."""
    scores = torch.rand(1024, generator=stream(0, "distinct"))
    p = (scores / scores.sum()).double()
    expected = (1 - (1 - p) ** 128).sum().item()
    generator, selector = stream(1, "distinct"), CdfSelector()
    counts = [len(selector(scores, 128, generator).indices.unique()) for _ in range(400)]
    assert abs(sum(counts) / 400 - expected) < 0.6  # standard error about 0.13


def test_same_generator_state_gives_the_same_draw():
    a, b = (CdfSelector()(SCORES, 16, stream(3, "again")).indices for _ in range(2))
    assert torch.equal(a, b)


@pytest.mark.parametrize("values", [{"form": "cdf"}, {"replacement": "no"}, {"replacement": 1}])
def test_bad_values_are_refused_with_the_value(values):
    with pytest.raises(UserError, match="selector"):
        CdfSelector(**values)


@pytest.mark.parametrize(
    ("smoothing", "power", "expected"),
    [
        (0, 1, [0.05, 0.10, 0.15, 0.70]),
        (0.5, 1, [0.1167, 0.15, 0.1833, 0.55]),
        (1, 1, [0.15, 0.175, 0.2, 0.475]),
        (1e6, 1, [0.25] * 4),
        (0, 0.5, [0.1268, 0.1793, 0.2196, 0.4744]),
        (0, 0, [0.25] * 4),
    ],
)
def test_smoothing_goes_from_the_scores_to_uniform(smoothing, power, expected):
    selector = CdfSelector(smoothing=smoothing, power=power)
    probabilities = selector(SCORES, 4, stream(0, "smooth")).probabilities
    assert probabilities.tolist() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (torch.ones_like, 120.3),
        (lambda u: u, 117.9),  # the "uniform" arm of the authors' code
        (lambda u: u.log().square(), 97.6),  # heavy-tailed: a quarter of the mini-batch is gone
    ],
)
def test_distinct_samples_of_128_draws_from_1024(make, expected):
    distinct = []
    for seed in range(20):
        u = torch.rand(1024, dtype=torch.float64, generator=stream(seed, "scores"))
        p = CdfSelector()(make(u), 1, stream(0, "law")).probabilities
        distinct.append((1 - (1 - p) ** 128).sum().item())
    assert sum(distinct) / 20 == pytest.approx(expected, abs=0.8)
