"""Norms of convolutions' per-sample gradients, over shapes, against single-sample autograd."""

import itertools

import pytest
import torch
from torch import nn

from cdfis_bench.core.streams import drawing_from, stream
from cdfis_bench.per_sample_grad import convolution as convolution_file
from cdfis_bench.per_sample_grad.layer_rules import convolution
from tests.metrics.networks import built, largest_relative_error

# kernel, stride, padding, dilation, groups, bias, padding mode
SHAPES = [
    (kernel, stride, padding, dilation, groups, bias, "zeros")
    for kernel, stride, padding, dilation, (groups, bias) in itertools.product(
        [1, 3, (2, 4)],
        [1, (3, 2)],
        [0, (1, 2)],
        [1, (2, 1)],
        [(1, True), (2, False), (4, True)],
    )
] + [
    (3, 1, "same", (1, 2), 1, True, "zeros"),
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
    for kernel, stride, padding, dilation, groups, bias, mode in SHAPES:
        with drawing_from(generator):
            layer = nn.Conv2d(4, 8, kernel, stride, padding, dilation, groups, bias, mode).double()
        x = torch.randn(3, 4, 9, 8, generator=generator, dtype=torch.float64)
        x = x.to(memory_format=torch.channels_last)
        out = layer(x)
        at_output = torch.randn(out.shape, generator=generator, dtype=torch.float64)
        exact = torch.stack(
            [
                sum(
                    g.square().sum()
                    for g in torch.autograd.grad(
                        (layer(x[i : i + 1]) * at_output[i]).sum(), list(layer.parameters())
                    )
                )
                for i in range(3)
            ]
        )
        trained = {"weight", "bias"} if bias else {"weight"}
        found = convolution(layer.to(dtype), trained, x.to(dtype), at_output.to(dtype))
        assert found.dtype == dtype
        shape = (kernel, stride, padding, dilation, groups, bias, mode)
        assert largest_relative_error(found, exact) <= error, shape


def test_only_trained_parameters_count() -> None:
    layer = built(lambda: nn.Conv2d(1, 2, 3))
    x, at_output = torch.ones(2, 1, 4, 4), torch.ones(2, 2, 2, 2)
    weight = convolution(layer, {"weight"}, x, at_output)
    bias = convolution(layer, {"bias"}, x, at_output)
    assert weight.tolist() == [18 * 16.0] * 2  # 18 weights, each meets four ones
    assert bias.tolist() == [2 * 16.0] * 2
    assert torch.equal(convolution(layer, {"weight", "bias"}, x, at_output), weight + bias)
