"""Per-sample gradient norms of chains of linear layers and ReLUs, without autograd."""

from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules import module as torch_module

from cdfis_bench.per_sample_grad.losses import (
    PerSampleLoss,
    output_gradients,
    require_outputs_for,
)
from cdfis_bench.per_sample_grad.squared_norms import linear

_IDENTITY_IN_EVAL_MODE = (nn.Identity, nn.Dropout)


def norms_of_linear_chain(
    model: nn.Module, x: Tensor, y: Tensor, loss: PerSampleLoss
) -> Tensor | None:
    """Per-sample gradient norms over all trainable parameters; None unless `model` is a chain.

    A chain is an nn.Sequential (of nn.Sequentials) of nn.Linear and nn.ReLU, each used once and
    without forward hooks, on inputs [K, D] in full precision. In such small networks the hooks and
    the autograd graph of by_layer.py would take half of the time, so both passes are written out.

    Args:
        model: Any network.
        x: Inputs [K, *D].
        y: Targets [K, *].
        loss: Per-sample loss.

    Returns:
        Norms [K] without a graph, or None.
    """
    full_precision = x.dtype in (torch.float32, torch.float64)
    if x.ndim != 2 or not full_precision or torch.is_autocast_enabled(x.device.type):
        return None
    layers = _chain(model)
    if layers is None:
        return None
    with torch.no_grad():
        saved = []  # the inputs of a linear layer, the outputs of a ReLU
        for layer in layers:
            if isinstance(layer, nn.Linear):
                saved.append(x)
                x = F.linear(x, layer.weight, layer.bias)
            else:
                x = x.relu()
                saved.append(x)
        require_outputs_for(loss, x, y.shape[0])
        return _squared_norms(layers, saved, output_gradients(loss, x, y)).sqrt()


def _squared_norms(layers: list[nn.Module], saved: list[Tensor], grad_output: Tensor) -> Tensor:
    """Squared norms [K] from the last layer to the first; grad_output [K, C] is at the logits."""
    squared_norms = []
    for position in range(len(layers) - 1, -1, -1):
        layer = layers[position]
        if not isinstance(layer, nn.Linear):
            grad_output = torch.ops.aten.threshold_backward(grad_output, saved[position], 0)
            continue
        trained = {n for n, p in layer._parameters.items() if p is not None and p.requires_grad}
        if trained:
            squared_norms.append(linear(layer, trained, saved[position], grad_output))
        if position:
            grad_output = grad_output @ layer.weight
    return reduce(torch.add, squared_norms)


def _chain(model: nn.Module) -> list[nn.Module] | None:
    """The layers in order; None if there are others, or if forward was hooked or replaced."""
    if torch_module._global_forward_hooks or torch_module._global_forward_pre_hooks:
        return None
    layers: list[nn.Module] = []
    parameters: list[nn.Parameter] = []
    stack: list[nn.Module | None] = [model]
    while stack:
        layer = stack.pop()
        if layer is None or layer._forward_hooks or layer._forward_pre_hooks:
            return None
        if "forward" in vars(layer):
            return None
        kind = type(layer)
        if kind is nn.Sequential:
            stack += [*layer._modules.values()][::-1]
        elif kind is nn.Linear or kind is nn.ReLU:
            layers.append(layer)
            parameters += [p for p in layer._parameters.values() if p is not None]
        elif kind not in _IDENTITY_IN_EVAL_MODE or layer.training:
            return None
    all_distinct = len({id(p) for p in parameters}) == len(parameters)
    return layers if all_distinct and any(p.requires_grad for p in parameters) else None
