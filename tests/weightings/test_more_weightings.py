"""Weights: known numbers, and expectations enumerated over every possible draw."""

from itertools import permutations, product

import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import drawing_from, stream
from cdfis_bench.core.types import Selection, Sizes
from cdfis_bench.selectors.bandit import BanditSelector
from cdfis_bench.selectors.cdf import CdfSelector
from cdfis_bench.selectors.rank_exponential import RankExponentialSelector
from cdfis_bench.selectors.rank_power import RankPowerSelector
from cdfis_bench.selectors.systematic import inclusion_probabilities, systematic_draw
from cdfis_bench.weightings.biased_power import BiasedPowerWeighting
from cdfis_bench.weightings.clipped import ClippedWeighting
from cdfis_bench.weightings.horvitz_thompson import HorvitzThompsonWeighting
from cdfis_bench.weightings.per_sample import PerSampleWeighting
from cdfis_bench.weightings.unbiased import UnbiasedWeighting

LOSSES = torch.tensor([0.1, 0.2, 0.3, 1.4], dtype=torch.float64)


def drawn(*indices, unnormalized=LOSSES):
    return Selection(torch.tensor(indices), unnormalized)


@pytest.mark.parametrize(
    ("power", "expected"),
    [
        (1, [5, 2.5, 1.666667, 0.357143]),
        (0.5, [2.5355, 1.7929, 1.4639, 0.6776]),
        (0, [1, 1, 1, 1]),
    ],
)
def test_biased_power_goes_from_unbiased_to_ones(power, expected):
    weights = BiasedPowerWeighting(power)(drawn(0, 1, 2, 3), 4)
    assert weights.tolist() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("power", [1, 0.5, 0, -2])
def test_biased_power_keeps_the_weighted_sum_of_the_probabilities(power):
    selection = drawn(3, 3, 1)
    weights = BiasedPowerWeighting(power)(selection, 4)
    total = (weights * selection.selected_probabilities).sum().item()
    assert total == pytest.approx(3 / 4)
    assert (BiasedPowerWeighting(1)(selection, 4) == UnbiasedWeighting()(selection, 4)).all()


def test_clipped_weights_have_a_limit():
    assert ClippedWeighting(2.0)(drawn(0, 1, 2, 3), 4).tolist() == pytest.approx(
        [2, 2, 1.666667, 0.357143]
    )


def test_horvitz_thompson_weights_of_a_known_case():
    inclusion = inclusion_probabilities(LOSSES, 2)
    pairs = [
        HorvitzThompsonWeighting()(Selection(rows, inclusion_probabilities=inclusion), 4)
        for rows in (torch.tensor([0, 1]), torch.tensor([2, 3]))
    ]
    assert torch.cat(pairs).tolist() == pytest.approx([3, 1.5, 1, 0.5])
    certain = inclusion_probabilities(LOSSES, 4)
    everyone = Selection(torch.arange(4), inclusion_probabilities=certain)
    assert HorvitzThompsonWeighting()(everyone, 4).tolist() == pytest.approx([1] * 4)


def gradients():
    """[4, 9]: of four samples' losses by all weights of a small network."""
    with drawing_from(stream(0, "init")):
        model = torch.nn.Linear(2, 3).double()
    x = torch.randn(4, 2, dtype=torch.float64, generator=stream(0, "x"))
    losses = torch.nn.functional.cross_entropy(
        model(x), torch.tensor([0, 1, 2, 1]), reduction="none"
    )
    rows = [torch.autograd.grad(loss, model.parameters(), retain_graph=True) for loss in losses]
    return torch.stack([torch.cat([part.flatten() for part in row]) for row in rows])


def learned():
    selector = BanditSelector(rate=5000.0)
    selector.setup(Sizes(4, 4, 2, torch.device("cpu")))
    selector.update(torch.tensor([3, 2]), torch.tensor([1.0, 0.4]).double(), torch.full((2,), 0.25))
    return selector


@pytest.mark.parametrize(
    "selector",
    [
        CdfSelector("mass"),
        CdfSelector("rank"),
        CdfSelector(smoothing=0.5, power=0.5),
        RankPowerSelector(3.0, replacement=True),
        RankExponentialSelector(100.0),
        learned(),
    ],
    ids=["cdf_mass", "cdf_rank", "cdf_smoothed", "rank_power", "rank_exponential", "bandit"],
)
def test_the_expected_gradient_is_the_uniform_one(selector):
    """Over all 16 pairs of draws; without weights it is another one."""
    g = gradients()
    if isinstance(selector, BanditSelector):
        unnormalized = selector.distribution()
    else:
        unnormalized, _ = selector.unnormalized_probabilities(LOSSES)
    weighted, plain = torch.zeros(9).double(), torch.zeros(9).double()
    for pair in product(range(4), repeat=2):
        selection = drawn(*pair, unnormalized=unnormalized)
        probability = selection.selected_probabilities.prod()
        weights = UnbiasedWeighting()(selection, 4).double()
        weighted += probability * (weights[:, None] * g[list(pair)]).mean(0)
        plain += probability * g[list(pair)].mean(0)
    torch.testing.assert_close(weighted, g.mean(0), rtol=1e-6, atol=1e-7)
    assert (plain - g.mean(0)).norm() > 0.02 * g.mean(0).norm()


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_the_expected_gradient_of_systematic_sampling_is_the_uniform_one(n):
    """Over all orders of the candidates and all places of the first point."""
    g, inclusion = gradients(), inclusion_probabilities(LOSSES, n)
    mean = torch.zeros(9).double()
    for order in map(torch.tensor, permutations(range(4))):
        ends = torch.cat([torch.tensor([0.0, 1.0]).double(), inclusion[order].cumsum(0) % 1])
        ends = ends.sort().values
        for low, width in zip(ends[:-1], ends.diff(), strict=True):
            if width > 1e-9:
                rows = systematic_draw(inclusion, n, order, low + width / 2)
                weights = HorvitzThompsonWeighting()(
                    Selection(rows, inclusion_probabilities=inclusion), 4
                )
                mean += width / 24 * (weights.double()[:, None] * g[rows]).mean(0)
    torch.testing.assert_close(mean, g.mean(0), rtol=1e-6, atol=1e-7)


def test_one_uniform_draw_has_the_known_variance_and_the_ideal_one_none():
    """Losses as gradients: 0.275 uniform, 0 by the losses with weights, 1.05 for 0.5 without."""
    p = LOSSES / LOSSES.sum()
    weights = UnbiasedWeighting()(drawn(0, 1, 2, 3), 4).double()
    assert LOSSES.var(correction=0).item() == pytest.approx(0.275)
    mean = (p * weights * LOSSES).sum()
    assert mean.item() == pytest.approx(0.5)
    assert (p * (weights * LOSSES - mean).square()).sum().item() == pytest.approx(0, abs=1e-12)
    assert (p * LOSSES).sum().item() == pytest.approx(1.05)


def test_per_sample_weights_are_those_of_the_selector():
    weights = torch.tensor([2.0, 1.0])
    selection = Selection(torch.tensor([0, 3]), loss_weights=weights)
    assert PerSampleWeighting()(selection, 4) is weights


@pytest.mark.parametrize(
    "weighting",
    [ClippedWeighting, BiasedPowerWeighting, HorvitzThompsonWeighting, PerSampleWeighting],
)
def test_selections_that_know_too_little_are_refused(weighting):
    with pytest.raises(UserError, match="weighting="):
        weighting()(Selection(torch.tensor([0, 3])), 4)


@pytest.mark.parametrize("make", [lambda: ClippedWeighting(0), lambda: BiasedPowerWeighting(2)])
def test_impossible_values_are_refused(make):
    with pytest.raises(UserError, match=r"weighting\.\w+="):
        make()
