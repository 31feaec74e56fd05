"""Laws made of ranks: known numbers, ties, and the law of the places."""

import math

import pytest
import torch
from scipy.stats import chisquare

from cdfis_bench.core.draws import draw_distinct
from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import stream
from cdfis_bench.core.types import Batch, MiniBatch, StepEnd
from cdfis_bench.selectors.cdf import CdfSelector
from cdfis_bench.selectors.rank_exponential import (
    RankExponentialSelector,
    draw_places,
    exponential_probabilities,
)
from cdfis_bench.selectors.rank_power import RankPowerSelector, percentile_probabilities
from cdfis_bench.selectors.ranks import ranks

SCORES = torch.tensor([1.4, 0.3, 0.2, 0.1])


def law(weights):
    return (weights / weights.sum()).tolist()


def test_equal_scores_share_their_mean_rank():
    assert ranks(torch.tensor([5.0, 1.0, 5.0, 2.0, 5.0])).tolist() == [4, 1, 4, 2, 4]


@pytest.mark.parametrize(
    ("pressure", "expected"),
    [
        (100, [0.69068, 0.21841, 0.06907, 0.02184]),
        (2, [0.31821, 0.26758, 0.22501, 0.18921]),
        (1, [0.25, 0.25, 0.25, 0.25]),
    ],
)
def test_exponential_laws_of_known_pressures(pressure, expected):
    assert law(exponential_probabilities(SCORES, pressure)) == pytest.approx(expected, abs=1e-5)


def test_the_highest_is_as_much_likelier_as_the_pressure_says():
    weights = exponential_probabilities(SCORES, 100)
    assert (weights.max() / weights.min()).item() == pytest.approx(100**0.75)
    many = exponential_probabilities(torch.arange(50_000.0), 1e8)
    assert (many.max() / many.min()).item() == pytest.approx(1e8, rel=1e-3)
    assert bool((exponential_probabilities(torch.arange(1000.0), 1e300) > 0).all())


@pytest.mark.parametrize("pressure", [1, 2, 100, 1e8])
def test_places_drawn_without_a_table_follow_the_same_law(pressure):
    places = draw_places(20, pressure, 100_000, stream(0, "places"))
    weights = exponential_probabilities(-torch.arange(20.0), pressure)
    seen = torch.bincount(places, minlength=20)
    expected = 100_000 * weights / weights.sum()
    enough = expected > 5
    assert len(seen) == 20
    kept = expected[enough] * seen[enough].sum() / expected[enough].sum()
    assert chisquare(seen[enough], kept).pvalue > 1e-4


def test_pressure_goes_from_start_to_end_geometrically():
    selector = RankExponentialSelector(100.0, 1.0)
    batch = Batch(torch.zeros(1, 1), torch.zeros(1).long(), torch.zeros(1).long())
    for progress, expected in [(0.0, 100), (0.5, 10), (1.0, 1), (1.2, 1)]:
        none = torch.zeros(1)
        selector.on_step_end(StepEnd(1, progress, MiniBatch(batch), none, none))
        assert selector.pressure == pytest.approx(expected)
    assert len(set(selector.unnormalized_probabilities(SCORES)[0].tolist())) == 1


@pytest.mark.parametrize(
    ("n", "expected"),
    [(2, [0.0625, 0.1875, 0.3125, 0.4375]), (1, [0.00202, 0.05444, 0.25202, 0.69153])],
)
def test_composers_law_follows_from_n(n, expected):
    """keep = n / K = 0.5 and 0.25."""
    weights = percentile_probabilities(SCORES, 4 / n - 1, 0.5)
    assert law(weights) == pytest.approx(expected[::-1], abs=1e-5)
    drawn = RankPowerSelector()(SCORES, n, stream(0, "power")).indices
    assert torch.equal(drawn, draw_distinct(weights, n, stream(0, "power")))


def test_power_one_without_offset_is_the_cdf_of_ranks():
    ours, cdf = (
        selector(SCORES, 64, stream(0, "rank"))
        for selector in (RankPowerSelector(1.0, 0.0, True), CdfSelector("rank"))
    )
    assert law(ours.unnormalized_probabilities) == pytest.approx([0.4, 0.3, 0.2, 0.1])
    assert torch.equal(ours.indices, cdf.indices)


def test_distributions_by_rank_ignore_the_scale():
    for selector in (RankPowerSelector(3.0, replacement=True), RankExponentialSelector(50.0)):
        weights = [
            selector.unnormalized_probabilities(scores)[0] for scores in (SCORES, SCORES.pow(7) - 5)
        ]
        assert torch.equal(*weights)


@pytest.mark.parametrize(
    "make",
    [
        lambda: RankPowerSelector(replacement=True),
        lambda: RankPowerSelector(-1.0),
        lambda: RankPowerSelector(offset=1.0),
        lambda: RankExponentialSelector(0.5),
        lambda: RankExponentialSelector(math.nan),
        lambda: RankExponentialSelector(10.0, 0.0),
    ],
)
def test_impossible_values_are_refused(make):
    with pytest.raises(UserError, match=r"selector\."):
        make()
