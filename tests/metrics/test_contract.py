"""What every metric promises, ours or a guest's: one test run per file in conf/metric."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor, nn

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.parts import Metric, PairwiseMetric
from cdfis_bench.core.streams import drawing_from, stream
from cdfis_bench.core.types import Batch, Sizes

from .networks import batch_for, built, network

FOLDER = Path(__file__).parents[2] / "conf" / "metric"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml") if path.stem != "none")
OURS = {"loss", "grad_norm", "grad_norm_bound", "grad_norm_last"}


def build(name: str) -> Metric:
    settings = OmegaConf.load(FOLDER / f"{name}.yaml")
    assert settings.pop("name") == name
    metric = instantiate(settings)
    metric.setup(Sizes(37, 37, 8, torch.device("cpu")))
    return metric


def scored(metric: Metric, model: nn.Module, batch: Batch) -> Tensor:
    """Scores with dropout drawing from a fixed stream."""
    with drawing_from(stream(0, "noise")):
        return metric(model, batch)


def hook_counts(model: nn.Module) -> list[int]:
    """Number of hooks per module, of every kind that a module knows."""
    kinds = [name for name in vars(nn.Module()) if name.endswith("_hooks")]
    assert len(kinds) >= 4
    return [sum(len(getattr(module, kind)) for kind in kinds) for module in model.modules()]


def test_our_four_are_there() -> None:
    assert set(NAMES) >= OURS


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("net", ["mlp", "cnn"])
def test_scores_are_k_finite_numbers_without_a_graph(name: str, net: str) -> None:
    metric, model = build(name), network(net)
    metric.check(model)
    scores = scored(metric, model, batch_for(net))
    assert scores.shape == ((37, 37) if isinstance(metric, PairwiseMetric) else (37,))
    assert scores.dtype == torch.float32
    assert bool(scores.isfinite().all())
    assert not scores.requires_grad
    assert metric.can_be_negative or bool((scores >= 0).all())
    assert metric.backward_passes == (1 if name == "grad_norm" else 0) or name not in OURS


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "net", ["mlp", "deep", "cnn", "batch_norm", "resnet_batch_norm", "counts_forwards"]
)
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("has_grad", [False, True], ids=["no_grad", "grad"])
def test_network_is_left_as_it_was(name: str, net: str, training: bool, has_grad: bool) -> None:
    metric, model, batch = build(name), network(net).train(training), batch_for(net)
    parameters = list(model.parameters())
    parameters[-1].requires_grad_(False)
    if has_grad:
        for parameter in parameters:
            parameter.grad = torch.full_like(parameter, 0.5)
    hook = model.register_forward_hook(lambda *_: None)
    tensors = dict(model.named_parameters()) | dict(model.named_buffers())
    values = copy.deepcopy(model.state_dict())
    modes = [module.training for module in model.modules()]
    flags = [parameter.requires_grad for parameter in parameters]
    hooks = hook_counts(model)
    drawn = torch.get_rng_state()
    try:
        scored(metric, model, batch)
    except UserError:
        assert net.endswith("batch_norm") and training and metric.backward_passes

    assert torch.equal(torch.get_rng_state(), drawn)
    after = dict(model.named_parameters()) | dict(model.named_buffers())
    assert all(after[key] is tensor for key, tensor in tensors.items())
    assert all(torch.equal(model.state_dict()[key], value) for key, value in values.items())
    assert [module.training for module in model.modules()] == modes
    assert [parameter.requires_grad for parameter in parameters] == flags
    assert hook_counts(model) == hooks
    for parameter in parameters:
        expected = torch.full_like(parameter, 0.5) if has_grad else None
        same = parameter.grad is None if expected is None else torch.equal(parameter.grad, expected)
        assert same
    hook.remove()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "random"])
@pytest.mark.parametrize("net", ["mlp", "cnn"])
def test_eval_mode_draws_no_random_numbers(name: str, net: str) -> None:
    before = torch.get_rng_state()
    build(name)(network(net), batch_for(net))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("net", ["mlp", "deep", "cnn"])
def test_scoring_twice_gives_the_same_bits(name: str, net: str, training: bool) -> None:
    metric, model, batch = build(name), network(net).train(training), batch_for(net)
    assert torch.equal(scored(metric, model, batch), scored(metric, model, batch))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "random"])
@pytest.mark.parametrize("net", ["mlp", "cnn"])
def test_permuting_the_candidates_permutes_the_scores(name: str, net: str) -> None:
    metric, model, batch = build(name), network(net), batch_for(net)
    order = torch.randperm(len(batch), generator=stream(0, "order"))
    permuted = Batch(batch.x[order], batch.y[order], batch.index[order])
    expected = metric(model, batch)[order]
    if isinstance(metric, PairwiseMetric):
        expected = expected[:, order]
    torch.testing.assert_close(metric(model, permuted), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", sorted(OURS))
@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Sequential(nn.Linear(2, 4), nn.Unflatten(1, (2, 2))),
        lambda: nn.Sequential(nn.Linear(2, 2), nn.Flatten(0)),
    ],
    ids=["three_dimensions", "flat"],
)
def test_output_that_is_not_one_row_of_logits_per_sample_is_refused(
    name: str, make: Callable[[], nn.Module]
) -> None:
    with pytest.raises(UserError, match="one row of logits per sample"):
        build(name)(built(make), batch_for("mlp"))


@pytest.mark.parametrize("name", sorted(OURS))
@pytest.mark.parametrize("net", ["mlp", "cnn"])
def test_half_precision_is_scored_in_float32(name: str, net: str) -> None:
    scores = build(name)(network(net, torch.bfloat16), batch_for(net, dtype=torch.bfloat16))
    expected = build(name)(network(net), batch_for(net))
    assert scores.dtype == torch.float32
    torch.testing.assert_close(scores, expected, rtol=0.1, atol=0.01)
