"""Per-sample gradient norms of chains of linear layers and ReLUs, without autograd."""

from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules import module as torch_module

from cdfis_bench.core.logits import loss_gradients, require_logits
from cdfis_bench.core.types import Batch
from cdfis_bench.per_sample_grad.layer_squares import linear

_NOTHING = (nn.Identity, nn.Dropout)  # in eval mode


def norms_of_chain(model: nn.Module, batch: Batch) -> Tensor | None:
    """Per-sample gradient norms [K] over all trainable parameters; None unless `model` is a chain.

    A chain is an nn.Sequential (of nn.Sequentials) of nn.Linear and nn.ReLU, each used once, whose
    forward passes nobody has hooked into, on inputs [K, D] in full precision. It is so small a
    network that hooks and the autograd graph of per_sample_grad/by_layer.py would cost half of the
    time; here both passes are written out.
    """
    x = batch.x
    full = x.dtype in (torch.float32, torch.float64)
    if x.ndim != 2 or not full or torch.is_autocast_enabled(x.device.type):
        return None
    layers = _chain(model)
    if layers is None:
        return None
    with torch.no_grad():
        seen = []  # what a linear layer read, what a ReLU gave
        for layer in layers:
            if type(layer) is nn.Linear:
                seen.append(x)
                x = F.linear(x, layer.weight, layer.bias)
            else:
                x = x.relu()
                seen.append(x)
        require_logits(x, len(batch))
        return _squares(layers, seen, loss_gradients(x, batch.y)).sqrt()


def _squares(layers: list[nn.Module], seen: list[Tensor], at_output: Tensor) -> Tensor:
    """[K], from the last layer to the first. at_output: [K, C], of the loss at the logits."""
    squares = []
    for place in range(len(layers) - 1, -1, -1):
        layer = layers[place]
        if type(layer) is not nn.Linear:
            at_output = torch.ops.aten.threshold_backward(at_output, seen[place], 0)
            continue
        trained = {n for n, p in layer._parameters.items() if p is not None and p.requires_grad}
        if trained:
            squares.append(linear(layer, trained, seen[place], at_output))
        if place:
            at_output = at_output @ layer.weight
    return reduce(torch.add, squares)


def _chain(model: nn.Module) -> list[nn.Module] | None:
    """The layers in their order; None if there are others, or one that is not as it came."""
    if torch_module._global_forward_hooks or torch_module._global_forward_pre_hooks:
        return None
    layers: list[nn.Module] = []
    parameters: list[nn.Parameter] = []
    todo = [model]
    while todo:
        layer = todo.pop()
        if layer._forward_hooks or layer._forward_pre_hooks or "forward" in vars(layer):
            return None
        kind = type(layer)
        if kind is nn.Sequential:
            todo += [*layer._modules.values()][::-1]  # type: ignore[list-item]
        elif kind is nn.Linear or kind is nn.ReLU:
            layers.append(layer)
            parameters += [p for p in layer._parameters.values() if p is not None]
        elif kind not in _NOTHING or layer.training:
            return None
    once = len({id(p) for p in parameters}) == len(parameters)
    return layers if once and any(p.requires_grad for p in parameters) else None
