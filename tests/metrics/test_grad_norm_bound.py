"""grad_norm_bound against autograd at the logits."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cdfis_bench.core.streams import stream
from cdfis_bench.core.types import Batch
from cdfis_bench.metrics import GradNormBound


@pytest.mark.parametrize(
    ("logits", "y", "expected"), [((2.0, 0.0), 0, 0.168578), ((1.0, 2.0, 3.0), 2, 0.424336)]
)
def test_bound_of_known_cases(logits: tuple[float, ...], y: int, expected: float) -> None:
    batch = Batch(torch.tensor([logits]), torch.tensor([y]), torch.tensor([0]))
    assert GradNormBound()(nn.Identity(), batch).item() == pytest.approx(expected, abs=1e-6)


def test_bound_is_the_norm_of_the_gradient_at_the_logits() -> None:
    generator = stream(0, "test/logits")
    logits = 3 * torch.randn(50, 10, generator=generator, dtype=torch.float64)
    y = torch.randint(10, (50,), generator=generator)
    leaf = logits.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(F.cross_entropy(leaf, y, reduction="sum"), leaf)
    scores = GradNormBound()(nn.Identity(), Batch(logits, y, torch.arange(50)))
    torch.testing.assert_close(scores, gradient.norm(dim=1), rtol=1e-12, atol=0)


def test_bound_of_a_well_fitted_sample_keeps_its_digits() -> None:
    batch = Batch(torch.tensor([[30.0, 0.0]]), torch.tensor([0]), torch.tensor([0]))
    # Two classes: sqrt(2) (1 - p), and 1 - p = 1 / (1 + e^30), which 1 - float32(p) rounds to 0.
    assert GradNormBound()(nn.Identity(), batch).item() == pytest.approx(1.323344e-13, rel=1e-5)
