"""Squared per-sample gradient norms of single layers, from their inputs and output gradients.

Every function takes

- layer: the layer;
- trained: the names of its trainable parameters ("weight", "bias");
- inputs: its inputs [K, ...];
- grad_output: the gradient of the loss at its output [K, ...], float32 or float64;

and returns the squared norms [K] of each sample's gradient over those parameters.
"""

import math
from functools import reduce

import torch
from torch import Tensor, nn
from torch.func import functional_call, vjp, vmap
from torch.nn import functional as F

from cdfis_bench.core.logits import widened
from cdfis_bench.per_sample_grad.convolution import squared_weight_norms


def linear(layer: nn.Linear, trained: set[str], inputs: Tensor, grad_output: Tensor) -> Tensor:
    """Linear layers: inputs [K, H] or [K, *T, H], grad_output [K, O] or [K, *T, O].

    For inputs a [H] the gradient of the weight is the outer product g a^T, so that the squared
    norm is ||g||^2 (||a||^2 + 1), where ||a||^2 stands for the weight and 1 for the bias.

    References:
        Goodfellow 2015, "Efficient per-example gradient computations" (arXiv 1510.01799).
    """
    if inputs.ndim > 2:
        return _linear_on_sequences(trained, inputs, grad_output)
    output_norms = torch.linalg.vecdot(grad_output, grad_output)
    if "weight" not in trained:
        return output_norms
    inputs = widened(inputs)
    input_norms = torch.linalg.vecdot(inputs, inputs)
    return output_norms * (input_norms.add_(1) if "bias" in trained else input_norms)


def _linear_on_sequences(trained: set[str], inputs: Tensor, grad_output: Tensor) -> Tensor:
    """Inputs [K, *T, H], grad_output [K, *T, O]: a sum of T outer products, or its Gram form.

    References:
        Li, Tramèr, Liang and Hashimoto 2022 (arXiv 2110.05679), ghost clipping.
    """
    a, g = widened(inputs).flatten(1, -2), grad_output.flatten(1, -2)  # [K, T, H], [K, T, O]
    squared_norms = g.new_zeros(len(g))
    if "weight" in trained:
        t, h, o = a.shape[1], a.shape[2], g.shape[2]
        if t * (h + o) < h * o:
            squared_norms += (torch.bmm(a, a.mT) * torch.bmm(g, g.mT)).sum((1, 2))
        else:
            squared_norms += _squared_norms(torch.bmm(g.mT, a))
    if "bias" in trained:
        squared_norms += _squared_norms(g.sum(1))
    return squared_norms


def convolution(layer: nn.Conv2d, trained: set[str], inputs: Tensor, grad_output: Tensor) -> Tensor:
    """2-D convolutions: inputs [K, C, H, W], grad_output [K, O, h, w]; see convolution.py."""
    squared_norms = grad_output.new_zeros(len(grad_output))
    if "weight" in trained:
        squared_norms += squared_weight_norms(layer, widened(inputs), grad_output)
    if "bias" in trained:
        squared_norms += _squared_norms(grad_output.sum((2, 3)))
    return squared_norms


def group_norm(
    layer: nn.GroupNorm, trained: set[str], inputs: Tensor, grad_output: Tensor
) -> Tensor:
    """Group normalization: inputs and grad_output [K, C, *]."""
    normalized = F.group_norm(widened(inputs), layer.num_groups, eps=layer.eps)
    return _scale_and_shift(trained, normalized, grad_output, dim=1)


def batch_norm(
    layer: nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d,
    trained: set[str],
    inputs: Tensor,
    grad_output: Tensor,
) -> Tensor:
    """Batch normalization in eval mode, by running statistics: inputs and grad_output [K, C, *]."""
    mean, variance = layer.running_mean, layer.running_var
    assert mean is not None and variance is not None and not layer.training
    inputs = widened(inputs)
    statistics = mean.to(inputs.dtype), variance.to(inputs.dtype)
    normalized = F.batch_norm(inputs, *statistics, eps=layer.eps)
    return _scale_and_shift(trained, normalized, grad_output, dim=1)


def layer_norm(
    layer: nn.LayerNorm, trained: set[str], inputs: Tensor, grad_output: Tensor
) -> Tensor:
    """Layer normalization: inputs and grad_output [K, *, *normalized_shape]."""
    shape = layer.normalized_shape
    normalized = F.layer_norm(widened(inputs), shape, eps=layer.eps)
    rows = (len(inputs), -1, math.prod(shape))
    return _scale_and_shift(trained, normalized.reshape(rows), grad_output.reshape(rows), dim=2)


def _scale_and_shift(
    trained: set[str], normalized: Tensor, grad_output: Tensor, dim: int
) -> Tensor:
    """For weight * normalized + bias, where weight and bias vary along `dim` only."""
    others = [d for d in range(1, grad_output.ndim) if d != dim]
    gradients = {"weight": lambda: normalized * grad_output, "bias": lambda: grad_output}
    squared_norms = grad_output.new_zeros(len(grad_output))
    for name in trained:
        gradient = gradients[name]()
        squared_norms += _squared_norms(gradient.sum(others) if others else gradient)
    return squared_norms


def embedding(
    layer: nn.Embedding, trained: set[str], inputs: Tensor, grad_output: Tensor
) -> Tensor:
    """Embeddings: inputs [K, *T] integers, grad_output [K, *T, D].

    The gradients of equal entries of a sample add up in one row of the weight.
    """
    inputs = inputs.flatten(1) if inputs.ndim > 1 else inputs.unsqueeze(1)  # [K, T]
    g = grad_output.reshape(*inputs.shape, -1)  # [K, T, D]
    if layer.padding_idx is not None:
        g = g * (inputs != layer.padding_idx).unsqueeze(2)
    equal = inputs.unsqueeze(1) == inputs.unsqueeze(2)  # [K, T, T]
    return (torch.bmm(g, g.mT) * equal).sum((1, 2))


def by_vmap(layer: nn.Module, trained: set[str], inputs: Tensor, grad_output: Tensor) -> Tensor:
    """Any layer that maps every sample by itself, without randomness: its vectorized backward pass.

    The inputs are [K, ...], grad_output [K, ...] in the shapes of the layer.
    """
    weights = {name: widened(p.detach()) for name, p in layer.named_parameters()}
    frozen = {name: weights.pop(name) for name in weights.keys() - trained}

    def squared_norm(x: Tensor, gradient: Tensor) -> Tensor:
        def output(weights: dict[str, Tensor]) -> Tensor:
            return functional_call(layer, {**weights, **frozen}, (x.unsqueeze(0),))

        (gradients,) = vjp(output, weights)[1](gradient.unsqueeze(0))
        return reduce(torch.add, [g.square().sum() for g in gradients.values()])

    return vmap(squared_norm)(widened(inputs), grad_output)


def _squared_norms(gradients: Tensor) -> Tensor:
    flat = gradients.flatten(1)
    return torch.linalg.vecdot(flat, flat)
