"""Squared norms of the per-sample weight gradients of a 2-D convolution, computed outright.

Not through Gram matrices of positions: they have (h w)^2 entries a sample, the gradient itself has
(C / groups) O k^2, which for image networks is far less.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Positions [h w] of the output from which one oneDNN call per sample beats batched products.
# Measured on one core, 5 x 5 kernels: 92 x 92 positions of 10 channels 0.33 against 1.2 ms a
# sample, 42 x 42 of 20 channels 0.40 against 0.39, 24 x 24 of 10 channels 0.08 against 0.013.
_LARGE = 2048


def weight_squares(layer: nn.Conv2d, entered: Tensor, at_output: Tensor) -> Tensor:
    """Squared norms [K] of the gradients of layer.weight, one per sample.

    entered: [K, C, H, W], what the layer read; at_output: [K, O, h, w], the gradient at its output.
    Takes every stride, padding, padding mode, dilation and number of groups.
    """
    entered = _padded(layer, entered)
    large = at_output.shape[2] * at_output.shape[3] >= _LARGE
    if large and at_output.device.type == "cpu":
        return _sample_by_sample(layer, entered, at_output)
    return _row_by_row(layer, entered, at_output)


def _padded(layer: nn.Conv2d, entered: Tensor) -> Tensor:
    """[K, C, H, W] with the layer's own padding around it."""
    around = layer._reversed_padding_repeated_twice  # left, right, top, bottom; also of "same"
    if not any(around):
        return entered
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    return F.pad(entered, around, mode=mode)


def _sample_by_sample(layer: nn.Conv2d, entered: Tensor, at_output: Tensor) -> Tensor:
    """One weight gradient after the other, by the kernel that training uses."""
    weight = torch.empty_like(layer.weight, dtype=at_output.dtype)  # only its shape is read
    fixed = (None, layer.stride, (0, 0), layer.dilation, False, (0, 0), layer.groups)
    squares = []
    for x, gradient in zip(entered.split(1), at_output.split(1), strict=True):
        _, at_weight, _ = torch.ops.aten.convolution_backward(
            gradient, x, weight, *fixed, (False, True, False)
        )
        squares.append(torch.linalg.vector_norm(at_weight))
    return torch.stack(squares).square_()


def _row_by_row(layer: nn.Conv2d, entered: Tensor, at_output: Tensor) -> Tensor:
    """One batched product per row of the kernel: unfolded along the width only, k times the input.

    For kernel row i, the gradient [O / G, C / G * kw] of every sample and group is the product of
    at_output with the input's windows in the rows that meet i.
    """
    (kh, kw), (sh, sw), (dh, dw) = layer.kernel_size, layer.stride, layer.dilation
    groups = layer.groups
    k, c, rows, _ = entered.shape
    o, h, w = at_output.shape[1:]
    entered = entered.contiguous()
    of_sample, of_channel, of_row, _ = entered.stride()
    windows = entered.as_strided(  # [K, C, kw, H, w]
        (k, c, kw, rows, w), (of_sample, of_channel, dw, of_row, sw)
    ).reshape(k * groups, c // groups * kw, rows, w)
    at_output = at_output.reshape(k * groups, o // groups, h * w)
    squares = at_output.new_zeros(k)
    for i in range(kh):
        met = windows[:, :, i * dh : i * dh + (h - 1) * sh + 1 : sh]  # [K G, C / G kw, h, w]
        gradient = torch.bmm(at_output, met.flatten(2).transpose(1, 2)).reshape(k, -1)
        squares += torch.linalg.vecdot(gradient, gradient)
    return squares
