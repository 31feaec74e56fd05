"""Chains of linear layers: the same norms without autograd, and only where that is right."""

import pytest
import torch
from torch import Tensor, nn

from cdfis_bench.core.types import Batch
from cdfis_bench.metrics import GradNorm
from cdfis_bench.per_sample_grad import cross_entropy
from cdfis_bench.per_sample_grad.linear_chain import norms_of_linear_chain
from tests.metrics.networks import (
    BY_LAYER,
    GENERAL,
    batch_for,
    built,
    largest_relative_error,
    network,
    norms_one_by_one,
)

CHAINS = ("mlp", "no_bias", "single_layer", "one_frozen")


def chain_norms(model: nn.Module, batch: Batch) -> Tensor | None:
    return norms_of_linear_chain(model, batch.x, batch.y, cross_entropy)


def nested():
    return nn.Sequential(
        nn.Sequential(nn.Linear(2, 8), nn.ReLU(inplace=True), nn.Dropout(0.5)),
        nn.Sequential(nn.Linear(8, 8, bias=False), nn.ReLU(), nn.Identity()),
        nn.Linear(8, 3),
        nn.ReLU(),
    )


@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
@pytest.mark.parametrize("name", CHAINS)
def test_chains_equal_one_backward_pass_per_sample(name, dtype, error):
    model, batch = network(name, dtype), batch_for(name, dtype=dtype)
    found = chain_norms(model, batch)
    assert found is not None
    assert largest_relative_error(found, norms_one_by_one(model, batch)) <= error
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_nested_chain_that_ends_in_a_relu_equals_it_too():
    model, batch = built(nested), batch_for("no_bias")
    with torch.no_grad():
        model.get_parameter("2.bias").add_(
            1.0
        )  # a ReLU that is 0 for all classes leaves no gradient to compare
    found = chain_norms(model, batch)
    assert found is not None
    assert largest_relative_error(found, norms_one_by_one(model, batch)) <= 1e-5


@pytest.mark.parametrize("name", sorted({*BY_LAYER, *GENERAL} - {*CHAINS}))
def test_other_networks_are_no_chains(name):
    assert chain_norms(network(name), batch_for(name)) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model[0].register_forward_hook(lambda layer, args, out: 2 * out),
        lambda model: model[1].register_forward_pre_hook(lambda layer, args: (args[0] + 1,)),
        lambda model: setattr(model[1], "forward", torch.sin),
    ],
    ids=["hook", "pre_hook", "forward"],
)
def test_a_modified_chain_is_scored_as_modified(change):
    model, batch = network("mlp"), batch_for("mlp")
    change(model)
    assert chain_norms(model, batch) is None
    assert largest_relative_error(GradNorm()(model, batch), norms_one_by_one(model, batch)) <= 1e-5


def test_dropout_in_train_mode_and_autocast_are_no_chains():
    assert chain_norms(built(nested).train(), batch_for("no_bias")) is None
    with torch.autocast("cpu", torch.bfloat16):
        assert chain_norms(network("mlp"), batch_for("mlp")) is None
