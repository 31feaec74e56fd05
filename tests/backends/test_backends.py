"""Backends: same results as plain, current weights, chosen by name, refused in one sentence."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cdfis_bench.backends import apply_backend
from cdfis_bench.backends.chunks import cache_friendly_chunk_size
from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import drawing_from, stream
from cdfis_bench.core.types import Batch
from cdfis_bench.metrics import GradNorm, GradNormBound, GradNormLast, Loss
from cdfis_bench.models.cnn import cnn
from cdfis_bench.models.mlp import mlp
from tests.metrics.networks import built

FAST = ["channels_last", "onednn"]
needs_onednn = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="this PyTorch was built without oneDNN"
)


def network(channels: int = 3, side: int = 20) -> nn.Sequential:
    with drawing_from(stream(0, "test/init")):
        return cnn(channels, side, 5).eval()


def images(channels: int = 3, k: int = 6, side: int = 20) -> Batch:
    """In NHWC memory order, as the datasets provide them."""
    generator = stream(1, "test/images")
    x = torch.randn(k, side, side, channels, generator=generator).permute(0, 3, 1, 2)
    return Batch(x, torch.randint(5, (k,), generator=generator), torch.arange(k))


def pair(backend: str, channels: int) -> tuple[nn.Sequential, nn.Sequential]:
    """The same network twice, plain and with `backend`."""
    model = network(channels)
    assert (
        apply_backend(backend, model, images(channels).x, False, torch.float32, 64).name == backend
    )
    return network(channels), model


@needs_onednn
@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("metric", [Loss(), GradNormBound(), GradNormLast(), GradNorm()])
def test_scores_are_those_of_the_plain_network(backend, channels, metric):
    plain, fast = pair(backend, channels)
    batch = images(channels)
    for _ in range(2):
        torch.testing.assert_close(metric(fast, batch), metric(plain, batch), rtol=2e-6, atol=0)
        with torch.no_grad():  # weights change every step: none may be cached
            for model in (plain, fast):
                for parameter in model.parameters():
                    parameter.mul_(1.5)


@needs_onednn
@pytest.mark.parametrize("backend", FAST)
def test_training_gradients_are_those_of_plain_autograd(backend):
    plain, fast = pair(backend, 3)
    batch = images()
    batch.x[:, :, :12] = 0.0  # a constant background: pooling meets ties
    for model in (plain, fast):
        F.cross_entropy(model(batch.x), batch.y).backward()
    for ours, theirs in zip(fast.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-5, atol=1e-7)


@needs_onednn
def test_logits_are_plain_tensors_with_and_without_gradients():
    _, model = pair("onednn", 3)
    x = images().x
    assert model(x).requires_grad
    with torch.no_grad():
        assert not model(x).is_mkldnn
        assert not model[:3](x).is_mkldnn  # the layers alone are not converted


class Averages(nn.Sequential):
    """Ends in a convolution: no nn.Linear makes its logits dense."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input).flatten(1)


@needs_onednn
def test_a_network_without_linear_layers_returns_dense_logits():
    model = built(lambda: Averages(nn.Conv2d(3, 5, 20)))
    batch = images()
    with torch.no_grad():
        expected = model(batch.x)
        assert apply_backend("auto", model, batch.x, False, torch.float32, 64).name == "onednn"
        torch.testing.assert_close(model(batch.x), expected)


class Unusual(nn.Module):
    """Uses an operation that oneDNN tensors lack."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.leave = nn.Conv2d(3, 4, 3), nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.leave(torch.special.erf(self.conv(x)).amax((2, 3)))


def test_auto_takes_what_is_supported_and_reports_it():
    x = images().x
    assert (
        apply_backend("auto", built(Unusual), x, False, torch.float32, 64).name == "channels_last"
    )
    assert (
        apply_backend(
            "auto", built(lambda: mlp([2, 8, 2])), torch.zeros(2, 2), False, torch.float32, 64
        ).name
        == "plain"
    )
    # oneDNN tensors lack dropout in train mode.
    assert apply_backend("auto", network(), x, True, torch.float32, 64).name == "channels_last"


@needs_onednn
def test_auto_takes_onednn_for_the_papers_network():
    backend = apply_backend("auto", network(), images().x, False, torch.float32, 64)
    assert (backend.name, backend.chunk_size, backend.measured_ms) == ("onednn", 64, None)


@needs_onednn
def test_onednn_is_not_for_half_precision():
    x = images().x
    backend = apply_backend("auto", network(), x, False, torch.bfloat16, 64)
    assert backend.name == "channels_last"
    with pytest.raises(UserError, match="scoring_dtype"):
        apply_backend("onednn", network(), x, False, torch.bfloat16, 64)


@needs_onednn
def test_choosing_changes_no_statistics_and_no_modes():
    model = built(lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()))
    model.append(nn.Flatten()).append(built(lambda: nn.Linear(4 * 18 * 18, 5))).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    apply_backend("auto", model, images().x, True, torch.float32, 64)
    assert all(torch.equal(model.state_dict()[name], value) for name, value in before.items())
    assert all(module.training for module in model.modules())


def test_plain_leaves_network_and_chunks_alone():
    model = network()
    backend = apply_backend("plain", model, images().x, False, torch.float32, 4096)
    assert (backend.name, backend.chunk_size) == ("plain", 4096)
    assert all(parameter.is_contiguous() for parameter in model.parameters())
    assert not model._forward_pre_hooks


@pytest.mark.parametrize(
    ("backend", "model", "x", "train_mode", "words"),
    [
        (
            "onednn",
            built(Unusual),
            images().x,
            False,
            r"cannot compute this network \(.*use backend=",
        ),
        ("onednn", network(), images().x, True, "cannot compute this network"),
        ("onednn", built(lambda: mlp([2, 8, 2])), torch.zeros(2, 2), False, "2-D convolutions"),
        (
            "channels_last",
            built(lambda: mlp([2, 8, 2])),
            torch.zeros(2, 2),
            False,
            "2-D convolutions",
        ),
        ("fastest", network(), images().x, False, "choose one of: auto, plain"),
    ],
)
def test_an_unsupported_backend_is_refused(backend, model, x, train_mode, words):
    with pytest.raises(UserError, match=words):
        apply_backend(backend, model, x, train_mode, torch.float32, 64)


def test_chunks_keep_the_largest_output_small():
    # conv1 of the paper's PatchCamelyon network: 10 x 92 x 92 floats a sample, 12 in 4 MiB.
    assert cache_friendly_chunk_size(built(lambda: cnn(3, 96, 2)), torch.zeros(2, 3, 96, 96)) == 8
    assert (
        cache_friendly_chunk_size(built(lambda: cnn(1, 28, 10)), torch.zeros(2, 1, 28, 28)) == 128
    )
    assert cache_friendly_chunk_size(nn.Flatten(), torch.zeros(2, 3, 1024, 1024)) == 1
