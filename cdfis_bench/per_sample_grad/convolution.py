"""Squared norms of the per-sample weight gradients of a 2-D convolution, computed outright.

Not through Gram matrices of positions: they have (h w)^2 entries a sample, the gradient itself has
(C / groups) O k^2, which for image networks is far less.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Multiplications per sample from which one oneDNN call per sample beats batched products, on a CPU.
# Measured on one core, twelve shapes: .5 to .9 of their time from 2.4 to 9.4 million, but 1.6 to 2
# times as long from 0.5 to 0.9 million.
_LARGE = 2_000_000
# Columns below which products by kernel row are too narrow: 15 columns take 1.7 times as long as
# 75 at once, 5 as long as 25, but 50 take 0.7 of 250.
_NARROW = 16


def weight_squares(layer: nn.Conv2d, entered: Tensor, at_output: Tensor) -> Tensor:
    """Squared norms [K] of the gradients of layer.weight, one per sample.

    entered: [K, C, H, W], what the layer read; at_output: [K, O, h, w], the gradient at its output.
    Takes every stride, padding, padding mode, dilation and number of groups.
    """
    entered = _padded(layer, entered)
    large = layer.weight.numel() * at_output.shape[2:].numel() >= _LARGE
    if large and at_output.device.type == "cpu":
        return _sample_by_sample(layer, entered, at_output)
    return _unfolded(layer, entered, at_output)


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


def _unfolded(layer: nn.Conv2d, entered: Tensor, at_output: Tensor) -> Tensor:
    """Batched products of the input's windows with the gradient behind, kernel row by kernel row.

    For kernel row i, the gradient [C / G * kw, O / G] of every sample and group is the product of
    the input's windows in the rows that meet i with at_output. Unfolding along the width alone
    takes kw times the input's memory. Few channels make such products too narrow to be fast: they
    are unfolded along the height, too, and take one product.
    """
    (kh, kw), (sh, sw), (dh, dw) = layer.kernel_size, layer.stride, layer.dilation
    groups = layer.groups
    k, c, rows, _ = entered.shape
    o, h, w = at_output.shape[1:]
    entered = entered.contiguous()
    at_sample, at_channel, at_row, _ = entered.stride()
    of_group = (k * groups, o // groups, h * w)
    if c // groups * kw < _NARROW:
        windows = entered.as_strided(
            (k, c, kh, kw, h, w), (at_sample, at_channel, dh * at_row, dw, sh * at_row, sw)
        ).reshape(k * groups, -1, h * w)  # [K G, C / G kh kw, h w]
        return _squared(torch.bmm(at_output.reshape(of_group), windows.mT), k)
    windows = entered.as_strided(
        (k, c, kw, rows, w), (at_sample, at_channel, dw, at_row, sw)
    ).reshape(k * groups, -1, rows, w)  # [K G, C / G kw, H, w]
    at_output = at_output.reshape(of_group).mT  # [K G, h w, O / G]
    squares = at_output.new_zeros(k)
    for i in range(kh):
        met = windows[:, :, i * dh : i * dh + (h - 1) * sh + 1 : sh].flatten(2)
        squares += _squared(torch.bmm(met, at_output), k)
    return squares


def _squared(gradients: Tensor, k: int) -> Tensor:
    flat = gradients.reshape(k, -1)
    return torch.linalg.vecdot(flat, flat)
