"""Squared norms of the per-sample weight gradients of a 2-D convolution.

The gradients themselves are computed. Gram matrices of positions, the alternative, have (h w)^2
entries per sample, while the gradient has (C / groups) O k^2, which is far less in image networks.

References:
    Rochette, Manoel and Tramel 2019, "Efficient per-example gradient computations in convolutional
    neural networks" (arXiv 1912.06015).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Multiplications per sample above which one oneDNN call per sample is faster than batched products
# on a CPU. Measured on one core with twelve shapes: 0.5 to 0.9 of their time between 2.4 and 9.4
# million, but 1.6 to 2 times as long between 0.5 and 0.9 million.
_LARGE = 2_000_000
# Below this many columns, one product per kernel row is slower than a single product for the whole
# kernel: rows of 15 columns take 1.7 times as long as 75 columns at once, rows of 5 as long as 25,
# but rows of 50 take 0.7 of the time of 250.
_NARROW = 16


def squared_weight_norms(layer: nn.Conv2d, inputs: Tensor, grad_output: Tensor) -> Tensor:
    """Squared norms of each sample's gradient of layer.weight.

    Args:
        layer: Convolution with any stride, padding, padding mode, dilation and number of groups.
        inputs: Inputs [K, C, H, W] of the layer.
        grad_output: Gradient [K, O, h, w] of the loss at its output.

    Returns:
        Squared norms [K].
    """
    inputs = _padded(layer, inputs)
    large = layer.weight.numel() * grad_output.shape[2:].numel() >= _LARGE
    if large and grad_output.device.type == "cpu":
        return _sample_by_sample(layer, inputs, grad_output)
    return _unfolded(layer, inputs, grad_output)


def _padded(layer: nn.Conv2d, inputs: Tensor) -> Tensor:
    """Inputs [K, C, H, W] with the padding of the layer."""
    padding = layer._reversed_padding_repeated_twice  # left, right, top, bottom; also for "same"
    if not any(padding):
        return inputs
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    return F.pad(inputs, padding, mode=mode)


def _sample_by_sample(layer: nn.Conv2d, inputs: Tensor, grad_output: Tensor) -> Tensor:
    """One weight gradient after the other, by the same operation as in training."""
    weight = torch.empty_like(layer.weight, dtype=grad_output.dtype)  # only its shape matters
    options = (None, layer.stride, (0, 0), layer.dilation, False, (0, 0), layer.groups)
    squared_norms = []
    for x, gradient in zip(inputs.split(1), grad_output.split(1), strict=True):
        _, grad_weight, _ = torch.ops.aten.convolution_backward(
            gradient, x, weight, *options, (False, True, False)
        )
        squared_norms.append(torch.linalg.vector_norm(grad_weight))
    return torch.stack(squared_norms).square_()


def _unfolded(layer: nn.Conv2d, inputs: Tensor, grad_output: Tensor) -> Tensor:
    """Batched products of unfolded inputs with grad_output, one per kernel row.

    For kernel row i, the gradient [C / G * kw, O / G] of every sample and group is the product of
    the windows of the input in the rows that i is multiplied with, and grad_output. Unfolding
    along the width alone takes kw times the memory of the input. With few channels such products
    are too narrow to be fast, so the input is unfolded along the height, too, for one product.
    """
    (kh, kw), (sh, sw), (dh, dw) = layer.kernel_size, layer.stride, layer.dilation
    groups = layer.groups
    k, c, rows, _ = inputs.shape
    o, h, w = grad_output.shape[1:]
    inputs = inputs.contiguous()
    sample_stride, channel_stride, row_stride, _ = inputs.stride()
    group_shape = (k * groups, o // groups, h * w)
    if c // groups * kw < _NARROW:
        windows = inputs.as_strided(
            (k, c, kh, kw, h, w),
            (sample_stride, channel_stride, dh * row_stride, dw, sh * row_stride, sw),
        ).reshape(k * groups, -1, h * w)  # [K G, C / G kh kw, h w]
        return _squared_norms(torch.bmm(grad_output.reshape(group_shape), windows.mT), k)
    windows = inputs.as_strided(
        (k, c, kw, rows, w), (sample_stride, channel_stride, dw, row_stride, sw)
    ).reshape(k * groups, -1, rows, w)  # [K G, C / G kw, H, w]
    grad_output = grad_output.reshape(group_shape).mT  # [K G, h w, O / G]
    squared_norms = grad_output.new_zeros(k)
    for i in range(kh):
        of_row = windows[:, :, i * dh : i * dh + (h - 1) * sh + 1 : sh].flatten(2)
        squared_norms += _squared_norms(torch.bmm(of_row, grad_output), k)
    return squared_norms


def _squared_norms(gradients: Tensor, k: int) -> Tensor:
    flat = gradients.reshape(k, -1)
    return torch.linalg.vecdot(flat, flat)
