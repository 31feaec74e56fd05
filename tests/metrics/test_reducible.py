"""The reducible loss is looked up by the row of the training set."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import stream
from cdfis_bench.core.types import Batch, Sizes
from cdfis_bench.metrics.loss import Loss
from cdfis_bench.metrics.reducible import ReducibleLoss, reducible_losses
from cdfis_bench.selectors.topk import TopkSelector

LOSSES, IRREDUCIBLE = torch.tensor([3, 1, 2, 0.5]), torch.tensor([2.9, 0.2, 0.5, 0.6])
CPU = torch.device("cpu")


def metric(irreducible=None):
    made = ReducibleLoss(steps=7)
    made.setup(Sizes(4, 4, 2, CPU))
    if irreducible is not None:
        made.prepare(SimpleNamespace(cross_fitted_losses=lambda steps, amortize: irreducible))
    return made


def batch(order):
    """Two classes, logits (0, ln(e^L - 1)): the loss of class 0 is L."""
    x = torch.stack([torch.zeros(4), LOSSES.expm1().log()], dim=1)
    return Batch(x[order], torch.zeros(4).long(), order)


def test_known_case_and_its_two_highest() -> None:
    scores = reducible_losses(LOSSES, IRREDUCIBLE)
    torch.testing.assert_close(scores, torch.tensor([0.1, 0.8, 1.5, -0.1]))
    assert set(TopkSelector()(scores, 2, stream(0, "top")).indices.tolist()) == {2, 1}


def test_rows_find_their_own_entry() -> None:
    order = torch.tensor([2, 0, 3, 1])
    scores = metric(IRREDUCIBLE)(nn.Identity(), batch(order))
    torch.testing.assert_close(scores, torch.tensor([0.1, 0.8, 1.5, -0.1])[order])


def test_where_nothing_is_irreducible_it_is_the_loss() -> None:
    order = torch.arange(4)
    assert torch.equal(metric()(nn.Identity(), batch(order)), Loss()(nn.Identity(), batch(order)))


def test_the_table_survives_an_interruption() -> None:
    resumed = metric()
    resumed.load_state_dict(metric(IRREDUCIBLE).state_dict())
    order = torch.arange(4)
    expected = metric(IRREDUCIBLE)(nn.Identity(), batch(order))
    assert torch.equal(resumed(nn.Identity(), batch(order)), expected)


def test_steps_that_cannot_work_are_refused() -> None:
    with pytest.raises(UserError, match=r"metric\.steps=0 must be a whole number of steps"):
        ReducibleLoss(0)
