"""RAIS, simplified: the bound, the distribution made of it, and the factor of the learning rate."""

import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import stream
from cdfis_bench.core.types import Batch, MiniBatch, Sizes, StepEnd
from cdfis_bench.selectors.robust_linear import (
    RobustLinearSelector,
    fit_bound,
    variance_gain,
)

CPU = torch.device("cpu")


def features(m=200):
    s = torch.rand(m, 3, dtype=torch.float64, generator=stream(0, "features"))
    return torch.cat([s, torch.ones(m, 1).double()], dim=1)


def test_norms_that_are_linear_are_found_without_uncertainty():
    s = features()
    c = torch.tensor([0.5, 0.0, 2.0, 0.25], dtype=torch.float64)
    found, d = fit_bound(s, s @ c, torch.rand(200, generator=stream(1, "w")).double())
    assert found.tolist() == pytest.approx(c.tolist(), abs=1e-9)
    assert (s @ d).max().item() == pytest.approx(0, abs=1e-7)


def test_the_bound_is_scaled_to_hold_on_average():
    s, weights = features(), torch.rand(200, generator=stream(1, "w")).double() + 0.1
    norms = (s @ torch.tensor([0.5, 0.0, 2.0, 0.25]).double()) * (
        1 + 0.3 * torch.randn(200, generator=stream(2, "noise")).double()
    ).abs()
    c, d = fit_bound(s, norms, weights)
    assert (c >= 0).all() and (d >= 0).all()
    squares = ((norms - s @ c) / (s @ d)).square()
    assert ((weights * squares).sum() / weights.sum()).item() == pytest.approx(1)


def test_gain_of_known_draws():
    """Scalar gradients .1 .2 .3 1.4, N = 2: p proportional to them leaves no noise."""
    g = torch.tensor([0.1, 0.2, 0.3, 1.4], dtype=torch.float64)
    uniform = g.square().mean().item()
    assert variance_gain(uniform, 0.25, 0.25, 2) == pytest.approx(1.55)
    assert variance_gain(uniform, uniform, 0.25, 2) == 1
    assert variance_gain(0, 0, 0, 2) == 1


def step_end_of(rows, scale, selection=None):
    """Samples whose gradient at the logits has norm `scale[row]`: two classes, sqrt 2 (1 - q)."""
    q = 1 - scale[rows] / 2**0.5
    logits = torch.stack([q.log(), (1 - q).log()], dim=1)
    batch = Batch(torch.zeros(len(rows), 1), torch.zeros(len(rows)).long(), rows)
    return StepEnd(1, 0.0, MiniBatch(batch, selection=selection), logits, logits[:, 0])


def robust(n_all, n, **values):
    selector = RobustLinearSelector(**values)
    selector.setup(Sizes(n_all, n_all, n, CPU))
    return selector


def test_the_distribution_is_uniform_at_first_and_then_follows_the_norms():
    norms = torch.linspace(0.1, 1.2, 32).double()
    selector = robust(32, 8, margin=0.0, floor=0.1)
    assert selector.distribution().tolist() == pytest.approx([1 / 32] * 32)
    for epoch in range(3):
        order = torch.randperm(32, generator=stream(epoch, "rows"))
        for rows in order.split(8):
            selector.on_step_end(step_end_of(rows, norms))
        p = selector.distribution()
    assert p.sum().item() == pytest.approx(1)
    assert p.min() >= 0.1 / 32
    expected = 0.1 / 32 + 0.9 * norms / norms.sum()
    assert ((p - expected).abs() / expected).max() < 0.15


def test_the_factor_is_one_while_uniform_and_grows_later():
    norms = torch.tensor([0.02] * 28 + [1.2] * 4).double()
    selector = robust(32, 8, floor=0.05, gain_rate=0.2)
    for rows in torch.arange(32).repeat(3).split(8):
        selector.on_step_end(step_end_of(rows, norms))
    assert selector.learning_rate_factor == 1
    generator = stream(0, "draws")
    for _ in range(40):
        selection = selector(norms, 8, generator)
        selector.on_step_end(step_end_of(selection.indices, norms, selection))
    assert 1.2 < selector.learning_rate_factor <= 4


@pytest.mark.parametrize(
    "values", [{"margin": -1}, {"floor": 0}, {"window": 0}, {"keep": 2}, {"max_gain": 0.5}]
)
def test_impossible_values_are_refused(values):
    with pytest.raises(UserError, match=r"selector\."):
        RobustLinearSelector(**values)
