"""The reducible loss is looked up by the row of the training set."""

import pytest
import torch
from torch import nn

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import stream
from cdfis_bench.core.types import Batch, Scale
from cdfis_bench.metrics.loss import Loss
from cdfis_bench.metrics.reducible import ReducibleLoss, reducible_losses
from cdfis_bench.selectors.topk import TopkSelector

LOSSES, IRREDUCIBLE = torch.tensor([3, 1, 2, 0.5]), torch.tensor([2.9, 0.2, 0.5, 0.6])
CPU = torch.device("cpu")


def test_known_case_and_its_two_highest() -> None:
    scores = reducible_losses(LOSSES, IRREDUCIBLE)
    torch.testing.assert_close(scores, torch.tensor([0.1, 0.8, 1.5, -0.1]))
    assert set(TopkSelector()(scores, 2, stream(0, "top")).indices.tolist()) == {2, 1}


def test_rows_find_their_own_entry() -> None:
    """Two classes, logits (0, ln(e^L - 1)): the loss of class 0 is L."""
    x = torch.stack([torch.zeros(4), LOSSES.expm1().log()], dim=1)
    order = torch.tensor([2, 0, 3, 1])
    batch = Batch(x[order], torch.zeros(4).long(), order)
    scores = ReducibleLoss(IRREDUCIBLE)(nn.Identity(), batch)
    torch.testing.assert_close(scores, torch.tensor([0.1, 0.8, 1.5, -0.1])[order])
    without = ReducibleLoss(torch.zeros(4))(nn.Identity(), batch)
    assert torch.equal(without, Loss()(nn.Identity(), batch))


def test_wrong_tables_are_refused() -> None:
    with pytest.raises(UserError, match="4 samples, but the training set has 5"):
        ReducibleLoss(IRREDUCIBLE).start(Scale(5, 4, 2, CPU))
    for table in (torch.zeros(2, 2), torch.tensor([1.0, torch.nan])):
        with pytest.raises(UserError, match="one finite number per training sample"):
            ReducibleLoss(table)
