"""grad_norm_last against autograd on the last layer, and what it refuses."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.types import Batch
from cdfis_bench.metrics import GradNormLast

from .networks import batch_for, built, largest_relative_error, network, norms_one_by_one


def test_score_of_a_known_case() -> None:
    layer = built(lambda: nn.Linear(2, 3))
    assert isinstance(layer, nn.Linear)
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.copy_(torch.tensor([1.0, 2.0, 3.0]))
    batch = Batch(torch.tensor([[3.0, 4.0]]), torch.tensor([2]), torch.tensor([0]))
    assert GradNormLast()(layer, batch).item() == pytest.approx(2.163698, abs=1e-5)


@pytest.mark.parametrize("name", ["mlp", "no_bias", "deep", "cnn", "batch_norm", "keyword"])
@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_equals_autograd_on_the_last_layer(name: str, dtype: torch.dtype, error: float) -> None:
    model, batch = network(name, dtype), batch_for(name, dtype=dtype)
    scores = GradNormLast()(model, batch)
    only_last = copy.deepcopy(model).requires_grad_(False)
    only_last[-1].requires_grad_(True)
    assert scores.dtype == dtype
    assert largest_relative_error(scores, norms_one_by_one(only_last, batch)) <= error


def test_frozen_layer_is_scored_all_the_same() -> None:
    model, batch = network("mlp"), batch_for("mlp")
    before = GradNormLast()(model, batch)
    model.requires_grad_(False)
    assert torch.equal(GradNormLast()(model, batch), before)


def test_network_without_a_linear_layer_is_refused_beforehand() -> None:
    with pytest.raises(UserError, match=r"no nn\.Linear"):
        GradNormLast().check(built(lambda: nn.Conv2d(1, 1, 1)))


def tied_last() -> nn.Module:
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2))
    model[2].weight = model[0].weight
    return model


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Sequential(nn.Linear(2, 2), nn.LogSoftmax(1)),
        lambda: nn.Sequential(nn.Linear(2, 2), nn.ReLU(inplace=True)),
        lambda: nn.Sequential(nn.Linear(2, 2), nn.Unflatten(1, (2, 1)), nn.Flatten()),
        tied_last,
        nn.Identity,
    ],
    ids=["log_softmax", "in_place", "reshaped", "tied", "no_linear"],
)
def test_logits_that_are_not_a_layers_own_output_are_refused(
    make: Callable[[], nn.Module],
) -> None:
    with pytest.raises(UserError, match="use metric=grad_norm_bound or metric=grad_norm"):
        GradNormLast()(built(make), batch_for("mlp"))
