"""The unbiased weighting gives back the mean; no weighting is biased by the known amount."""

import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import stream
from cdfis_bench.core.types import Selection
from cdfis_bench.selectors.cdf import CdfSelector
from cdfis_bench.selectors.topk import TopkSelector
from cdfis_bench.weightings.none import NoWeighting
from cdfis_bench.weightings.unbiased import UnbiasedWeighting

LOSSES = torch.tensor([0.1, 0.2, 0.3, 1.4])


def drawn_once_each():
    p = (LOSSES / LOSSES.sum()).double()
    return Selection(torch.arange(4), p, False)


def test_unbiased_weights_are_the_known_numbers():
    weights = UnbiasedWeighting()(drawn_once_each(), 4)
    assert torch.allclose(weights, torch.tensor([5, 2.5, 1.666667, 0.357143]))
    assert weights.dtype == torch.float32


def test_expected_weight_is_one():
    selection = drawn_once_each()
    weights = UnbiasedWeighting()(selection, 4)
    assert (selection.probabilities * weights).sum().item() == pytest.approx(1)


@pytest.mark.parametrize("form", ["mass", "rank"])
def test_weighted_mean_of_other_values_is_unbiased(form):
    """Values unrelated to the scores: their weighted mean over draws is their plain mean."""
    scores = torch.rand(64, generator=stream(0, "scores")) + 0.05
    values = torch.rand(64, generator=stream(0, "values"))
    selection = CdfSelector(form)(scores, 200_000, stream(1, form))
    terms = UnbiasedWeighting()(selection, 64) * values[selection.indices]
    error = 5 * terms.std() / 200_000**0.5
    assert abs(terms.mean() - values.mean()) < error


def test_loss_over_its_own_draws_has_no_variance_when_weighted():
    selection = CdfSelector()(LOSSES, 1000, stream(0, "var"))
    terms = UnbiasedWeighting()(selection, 4) * LOSSES[selection.indices]
    assert torch.allclose(terms, LOSSES.mean().expand(1000))


def test_unweighted_cdf_sampling_overstates_the_mean_loss_by_tau_squared():
    """E[L] under p proportional to L is sum L^2 / sum L = 1.05, 2.1 times the mean of 0.5."""
    selection = CdfSelector()(LOSSES, 200_000, stream(0, "bias"))
    assert NoWeighting()(selection, 4) is None  # ones
    assert LOSSES[selection.indices].mean().item() == pytest.approx(1.05, abs=0.006)


def test_unbiased_refuses_a_selection_without_probabilities():
    with pytest.raises(UserError, match="weighting=unbiased"):
        UnbiasedWeighting()(TopkSelector()(LOSSES, 2, stream(0, "top")), 4)
