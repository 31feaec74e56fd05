"""Per-sample gradient norms of 2-D convolutions of many shapes, against single-sample autograd."""

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from cdfis_bench.core.streams import drawing_from, stream
from cdfis_bench.per_sample_grad import convolution as convolution_file
from cdfis_bench.per_sample_grad.layer_rules import convolution
from tests.metrics.networks import built, largest_relative_error

# kernel, stride, padding, dilation, groups, bias
SHAPES: list[tuple[Any, ...]] = [
    (kernel, stride, padding, dilation, groups, bias)
    for kernel, stride, padding, dilation, (groups, bias) in itertools.product(
        [1, 3, (2, 4)],
        [1, (3, 2)],
        [0, (1, 2)],
        [1, (2, 1)],
        [(1, True), (2, False), (4, True)],
    )
] + [
    (3, 1, "same", (1, 2), 1, True),
    # The last entry is the padding mode.
    (3, 2, 1, 1, 2, False, "reflect"),
    ((2, 3), 1, (1, 2), 1, 4, True, "circular"),
    ((4, 2), 1, "same", 1, 1, True, "replicate"),
]


@pytest.mark.parametrize("large", [0, 1e9], ids=["sample_by_sample", "unfolded"])
@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
def test_norms_equal_single_sample_autograd(
    large: float, dtype: torch.dtype, error: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convolution_file, "_LARGE", large)
    generator = stream(0, "test/conv")
    for shape in SHAPES:
        with drawing_from(generator):
            layer = nn.Conv2d(4, 8, *shape).double()
        x = torch.randn(3, 4, 9, 8, generator=generator, dtype=torch.float64)
        x = x.to(memory_format=torch.channels_last)
        out = layer(x)
        grad_output = torch.randn(out.shape, generator=generator, dtype=torch.float64)
        exact = torch.stack(
            [_squared_norm((layer(x[i : i + 1]) * grad_output[i]).sum(), layer) for i in range(3)]
        )
        trained = {name for name, _ in layer.named_parameters()}
        found = convolution(layer.to(dtype), trained, x.to(dtype), grad_output.to(dtype))
        assert found.dtype == dtype
        assert largest_relative_error(found, exact) <= error, shape


def _squared_norm(value: Tensor, layer: nn.Module) -> Tensor:
    gradients = torch.autograd.grad(value, list(layer.parameters()))
    return torch.stack([g.square().sum() for g in gradients]).sum()


def test_only_trained_parameters_count() -> None:
    layer = built(lambda: nn.Conv2d(1, 2, 3))
    x, grad_output = torch.ones(2, 1, 4, 4), torch.ones(2, 2, 2, 2)
    weight = convolution(layer, {"weight"}, x, grad_output)
    bias = convolution(layer, {"bias"}, x, grad_output)
    assert weight.tolist() == [18 * 16.0] * 2  # 18 weights, each meets four ones
    assert bias.tolist() == [2 * 16.0] * 2
    assert torch.equal(convolution(layer, {"weight", "bias"}, x, grad_output), weight + bias)
