"""The loss metric against its formula."""

import pytest
import torch
from torch import nn

from cdfis_bench.core.types import Batch
from cdfis_bench.metrics import Loss


def test_loss_of_a_known_case() -> None:
    batch = Batch(torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([2]), torch.tensor([0]))
    assert Loss()(nn.Identity(), batch).item() == pytest.approx(0.407606, abs=1e-6)


def test_loss_is_minus_the_log_of_the_true_class() -> None:
    chances = torch.tensor([[0.5, 0.5], [0.9, 0.1], [0.01, 0.99]], dtype=torch.float64)
    batch = Batch(chances.log(), torch.tensor([0, 1, 1]), torch.arange(3))
    expected = -torch.tensor([0.5, 0.1, 0.99], dtype=torch.float64).log()
    torch.testing.assert_close(Loss()(nn.Identity(), batch), expected)
