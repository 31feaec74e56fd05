"""The effective size of a mini-batch, where it is known."""

import pytest
import torch

from cdfis_bench.engine.effective_size import effective_size

NORMS = torch.tensor([0.1, 0.2, 0.3, 1.4])


def test_uniform_draws_are_worth_themselves():
    assert effective_size(torch.ones(4), NORMS, 0.1, 128) == pytest.approx((128, 0))


def test_the_best_law_has_all_there_is_to_gain():
    """E||g||^2 is 0.525 uniform, 0.25 at best; the mean gradient has 0.1 of it."""
    size = effective_size(7 * NORMS, NORMS, 0.1, 128)
    assert size == pytest.approx((128 * 0.425 / 0.15, 1))
    # Scalars of one sign: the mean gradient is all, and nothing is left to chance.
    assert effective_size(NORMS, NORMS, 0.25, 128).samples == float("inf")


def test_a_law_against_the_norms_is_worth_less_than_uniform():
    size = effective_size(1 / NORMS, NORMS, 0.1, 128)
    assert size.samples < 128 and size.efficiency < 0


def test_it_is_the_variance_of_the_weighted_mean():
    """Against all pairs of two draws of known vectors."""
    g = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-1.0, 1.0]], dtype=torch.float64)
    p = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)

    def variance(p):
        weighted = g / (3 * p)[:, None]
        return (p * (weighted - g.mean(0)).square().sum(1)).sum().item()

    size = effective_size(p, g.norm(dim=1), g.mean(0).square().sum().item(), 2)
    assert size.samples == pytest.approx(
        2 * variance(torch.full((3,), 1 / 3).double()) / variance(p)
    )
