"""Inner products of last-layer gradients, against the gradients themselves."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.types import Batch
from cdfis_bench.metrics.grad_norm_last import GradNormLast
from cdfis_bench.metrics.last_layer_gram import LastLayerGram

from .networks import batch_for, built, network


def products_one_by_one(model: nn.Module, batch: Batch) -> Tensor:
    """[K, K] float64, by a backward pass per sample."""
    model = copy.deepcopy(model).double()
    last = [module for module in model.modules() if isinstance(module, nn.Linear)][-1]
    rows = []
    for x, y in zip(batch.x.double(), batch.y, strict=True):
        loss = F.cross_entropy(model(x[None]), y[None])
        gradients = torch.autograd.grad(loss, list(last.parameters()))
        rows.append(torch.cat([gradient.flatten() for gradient in gradients]))
    return torch.stack(rows) @ torch.stack(rows).T


@pytest.mark.parametrize("name", ["mlp", "no_bias", "cnn", "batch_norm", "keyword"])
def test_equals_the_products_of_single_gradients(name: str) -> None:
    model, batch = network(name), batch_for(name)
    gram = LastLayerGram(1000)(model, batch)
    torch.testing.assert_close(
        gram.double(), products_one_by_one(model, batch), rtol=1e-4, atol=1e-6
    )
    norms = GradNormLast()(model, batch)
    torch.testing.assert_close(gram.diagonal().sqrt(), norms, rtol=1e-4, atol=1e-6)


def test_chunks_of_the_forward_pass_change_nothing() -> None:
    model, batch = network("deep"), batch_for("deep")
    torch.testing.assert_close(LastLayerGram(10)(model, batch), LastLayerGram(37)(model, batch))


def test_networks_without_a_last_linear_layer_are_refused() -> None:
    with pytest.raises(UserError, match=r"no nn\.Linear"):
        LastLayerGram(8).check(built(lambda: nn.Conv2d(1, 1, 1)))
    with pytest.raises(UserError, match="as it is; use a metric of single samples"):
        LastLayerGram(8)(
            built(lambda: nn.Sequential(nn.Linear(2, 2), nn.LogSoftmax(1))), batch_for("mlp")
        )
    with pytest.raises(UserError, match=r"metric\.chunk_size=0"):
        LastLayerGram(0)
