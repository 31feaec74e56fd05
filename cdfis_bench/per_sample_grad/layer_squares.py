"""Squared per-sample gradient norms of single layers, from what went in and the gradient behind.

Every function takes (layer, trained, entered, at_output): the layer; the names of its parameters
that train; its input [K, ...]; the loss gradient at its output [K, ...], float32 or float64. It
returns [K]: the squares of the gradient, summed over those parameters, per sample.
"""

import math

import torch
from torch import Tensor, nn
from torch.func import functional_call, vjp, vmap
from torch.nn import functional as F

from cdfis_bench.core.logits import widened
from cdfis_bench.per_sample_grad.convolution import weight_squares


def linear(layer: nn.Linear, trained: set[str], entered: Tensor, at_output: Tensor) -> Tensor:
    """entered [K, H], at_output [K, O]: the weight's gradient is the outer product of their rows.

    Hence ||g||^2 (||a||^2 + 1), where ||a||^2 stands for the weight and 1 for the bias.
    Source: Goodfellow 2015 (arXiv 1510.01799). With more dimensions see _linear_of_many.
    """
    if entered.ndim > 2:
        return _linear_of_many(layer, trained, entered, at_output)
    squares = torch.linalg.vecdot(at_output, at_output)
    if "weight" not in trained:
        return squares
    entered = widened(entered)
    inputs = torch.linalg.vecdot(entered, entered)
    return squares * (inputs.add_(1) if "bias" in trained else inputs)


def _linear_of_many(
    layer: nn.Linear, trained: set[str], entered: Tensor, at_output: Tensor
) -> Tensor:
    """entered [K, *T, H], at_output [K, *T, O]: a sum of T outer products, or its Gram form."""
    a, g = widened(entered).flatten(1, -2), at_output.flatten(1, -2)  # [K, T, H], [K, T, O]
    squares = g.new_zeros(len(g))
    if "weight" in trained:
        t, h, o = a.shape[1], a.shape[2], g.shape[2]
        if t * (h + o) < h * o:
            squares += (torch.bmm(a, a.mT) * torch.bmm(g, g.mT)).sum((1, 2))
        else:
            squares += _norms_squared(torch.bmm(g.mT, a))
    if "bias" in trained:
        squares += _norms_squared(g.sum(1))
    return squares


def convolution(layer: nn.Conv2d, trained: set[str], entered: Tensor, at_output: Tensor) -> Tensor:
    """entered [K, C, H, W], at_output [K, O, h, w]; the weight's gradients are computed."""
    squares = at_output.new_zeros(len(at_output))
    if "weight" in trained:
        squares += weight_squares(layer, widened(entered), at_output)
    if "bias" in trained:
        squares += _norms_squared(at_output.sum((2, 3)))
    return squares


def group_norm(
    layer: nn.GroupNorm, trained: set[str], entered: Tensor, at_output: Tensor
) -> Tensor:
    normalised = F.group_norm(widened(entered), layer.num_groups, eps=layer.eps)
    return _scale_and_shift(trained, normalised, at_output, dim=1)


def batch_norm(
    layer: nn.BatchNorm2d, trained: set[str], entered: Tensor, at_output: Tensor
) -> Tensor:
    """Of running statistics: in eval mode, where samples do not mix."""
    mean, variance = layer.running_mean, layer.running_var
    assert mean is not None and variance is not None and not layer.training
    entered = widened(entered)
    fixed = mean.to(entered.dtype), variance.to(entered.dtype)
    normalised = F.batch_norm(entered, *fixed, eps=layer.eps)
    return _scale_and_shift(trained, normalised, at_output, dim=1)


def layer_norm(
    layer: nn.LayerNorm, trained: set[str], entered: Tensor, at_output: Tensor
) -> Tensor:
    shape = layer.normalized_shape
    normalised = F.layer_norm(widened(entered), shape, eps=layer.eps)
    entries = (len(entered), -1, math.prod(shape))
    return _scale_and_shift(trained, normalised.reshape(entries), at_output.reshape(entries), dim=2)


def _scale_and_shift(trained: set[str], normalised: Tensor, at_output: Tensor, dim: int) -> Tensor:
    """Of weight * normalised + bias, where both lie along `dim` and are the same elsewhere."""
    others = [d for d in range(1, at_output.ndim) if d != dim]
    gradients = {"weight": lambda: normalised * at_output, "bias": lambda: at_output}
    squares = at_output.new_zeros(len(at_output))
    for name in trained:
        gradient = gradients[name]()
        squares += _norms_squared(gradient.sum(others) if others else gradient)
    return squares


def embedding(layer: nn.Embedding, trained: set[str], entered: Tensor, at_output: Tensor) -> Tensor:
    """entered [K, *T] int64: gradients of equal entries of a sample add up, others do not meet."""
    entered = entered.flatten(1) if entered.ndim > 1 else entered.unsqueeze(1)  # [K, T]
    g = at_output.reshape(*entered.shape, -1)  # [K, T, D]
    if layer.padding_idx is not None:
        g = g * (entered != layer.padding_idx).unsqueeze(2)
    meet = entered.unsqueeze(1) == entered.unsqueeze(2)  # [K, T, T]
    return (torch.bmm(g, g.mT) * meet).sum((1, 2))


def by_vmap(layer: nn.Module, trained: set[str], entered: Tensor, at_output: Tensor) -> Tensor:
    """Any layer that computes each sample by itself, always the same: its own backward pass."""
    weights = {name: widened(p.detach()) for name, p in layer.named_parameters()}
    frozen = {name: weights.pop(name) for name in weights.keys() - trained}

    def squares(x: Tensor, gradient: Tensor) -> Tensor:
        def output(weights: dict[str, Tensor]) -> Tensor:
            return functional_call(layer, {**weights, **frozen}, (x.unsqueeze(0),))

        (gradients,) = vjp(output, weights)[1](gradient.unsqueeze(0))
        return sum(g.square().sum() for g in gradients.values())

    return vmap(squares)(widened(entered), at_output)


def _norms_squared(gradients: Tensor) -> Tensor:
    flat = gradients.flatten(1)
    return torch.linalg.vecdot(flat, flat)
