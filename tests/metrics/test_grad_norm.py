"""grad_norm against one backward pass per sample, and what it refuses."""

import pytest
import torch
from torch import Tensor, nn

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import drawing_from, stream
from cdfis_bench.core.types import Batch
from cdfis_bench.metrics import GradNorm
from cdfis_bench.per_sample_grad import cross_entropy, norms
from cdfis_bench.per_sample_grad.by_layer import norms_by_layer

from .networks import (
    BY_LAYER,
    GENERAL,
    NETWORKS,
    batch_for,
    built,
    largest_relative_error,
    network,
    norms_one_by_one,
)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_equals_one_backward_pass_per_sample(name: str, dtype: torch.dtype, error: float) -> None:
    model, batch = network(name, dtype), batch_for(name, dtype=dtype)
    scores = GradNorm(chunk_size=16)(model, batch)
    assert scores.dtype == dtype
    assert largest_relative_error(scores, norms_one_by_one(model, batch)) <= error


def test_mlp_of_the_paper_has_252_weights() -> None:
    assert sum(parameter.numel() for parameter in network("mlp").parameters()) == 252


@pytest.mark.parametrize("name", BY_LAYER)
def test_networks_of_known_layers_go_layer_by_layer(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(norms, "norms_by_vmap", None)  # calling it would raise
    assert GradNorm()(network(name), batch_for(name)).shape == (37,)


@pytest.mark.parametrize("name", GENERAL)
def test_other_networks_do_not_go_layer_by_layer(name: str) -> None:
    model, batch = network(name), batch_for(name)
    assert norms_by_layer(model, batch.x, batch.y, cross_entropy, 64) is None


@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_well_fitted_samples_keep_their_digits(name: str) -> None:
    model, batch = network(name), batch_for(name)
    with torch.no_grad():
        list(model.parameters())[-1][0] += 14.0  # the probability of class 0 is about 1 - 1e-6
    batch = Batch(batch.x, torch.zeros_like(batch.y), batch.index)
    exact = norms_one_by_one(model, batch)
    assert exact.max() < 1e-3
    assert largest_relative_error(GradNorm()(model, batch), exact) <= 1e-5


@pytest.mark.parametrize("chunk_size", [1, 5, 37, 1000])
@pytest.mark.parametrize("name", ["cnn", "used_twice"])
def test_chunk_size_does_not_matter(name: str, chunk_size: int) -> None:
    model, batch = network(name), batch_for(name)
    whole = GradNorm(chunk_size=64)(model, batch)
    torch.testing.assert_close(GradNorm(chunk_size)(model, batch), whole, rtol=1e-6, atol=0)


def test_freezing_between_calls_is_noticed() -> None:
    model, batch, metric = network("mlp"), batch_for("mlp"), GradNorm()
    before = metric(model, batch)
    next(model.children()).requires_grad_(False)
    after = metric(model, batch)
    assert largest_relative_error(after, norms_one_by_one(model, batch)) <= 1e-5
    assert bool((after < before).all())


@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_surrounding_no_grad_changes_nothing(name: str) -> None:
    model, batch = network(name), batch_for(name)
    with torch.no_grad():
        inside = GradNorm()(model, batch)
    assert torch.equal(inside, GradNorm()(model, batch))


@pytest.mark.parametrize("name", ["deep", "cnn"])
def test_dropout_in_train_mode_draws_a_mask_per_sample(name: str) -> None:
    model, one = network(name).train(), batch_for(name, k=1)
    copies = Batch(one.x.expand(16, *one.x.shape[1:]), one.y.expand(16), one.index.expand(16))
    with drawing_from(stream(0, "noise")):
        scores = GradNorm(chunk_size=4)(model, copies)
    assert scores.unique().numel() > 8


@pytest.mark.parametrize("name", ["batch_norm", "fixed_batch_norm"])
def test_batch_norm_in_train_mode_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"BatchNorm in train mode.*scoring_mode=eval"):
        GradNorm()(network(name).train(), batch_for(name))


def test_batch_norm_without_running_statistics_is_refused_beforehand() -> None:
    model = built(
        lambda: nn.Sequential(nn.BatchNorm1d(2, track_running_stats=False), nn.Linear(2, 2))
    )
    with pytest.raises(UserError, match="track_running_stats"):
        GradNorm().check(model)


def test_network_that_trains_nothing_is_refused_beforehand() -> None:
    with pytest.raises(UserError, match="trainable"):
        GradNorm().check(built(lambda: nn.Linear(2, 2)).requires_grad_(False))


class BranchesOnValues(nn.Module):
    """Branches on the value of a tensor, which cannot be vectorized."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(2))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale if x.sum() > 0 else -x * self.scale


def test_network_that_cannot_be_vectorized_is_refused_with_a_remedy() -> None:
    with pytest.raises(UserError, match="grad_norm_last or grad_norm_bound"):
        GradNorm()(BranchesOnValues(), batch_for("mlp"))


@pytest.mark.parametrize("chunk_size", [0, -1, 1.5, True, "64"])
def test_chunk_size_must_be_a_positive_whole_number(chunk_size: object) -> None:
    with pytest.raises(UserError, match="chunk_size"):
        GradNorm(chunk_size=chunk_size)  # type: ignore[arg-type]
