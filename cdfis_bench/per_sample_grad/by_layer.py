"""Per-sample gradient norms layer by layer, for networks whose trained layers all have a rule."""

from collections.abc import Collection
from functools import reduce

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node
from torch.nn.modules.batchnorm import _BatchNorm

from cdfis_bench.core.logits import logits_of, loss_gradients, widened
from cdfis_bench.core.types import Batch
from cdfis_bench.per_sample_grad.layer_calls import CallsOf, LayerCall
from cdfis_bench.per_sample_grad.layer_rules import RULES

Trained = dict[nn.Module, set[str]]


def norms_by_layer(model: nn.Module, batch: Batch, chunk_size: int) -> Tensor | None:
    """Per-sample gradient norms [K] over all trainable parameters; None where no rule holds.

    One forward and one backward pass to the outputs of the layers; what a layer read and the
    gradient behind it make the squared norms (layer_rules.py). No parameter gradient is
    computed and no `.grad` is touched.
    chunk_size: samples per pass, >= 1, for memory's sake; networks of nn.Linear take all at once.
    Holds if every trainable parameter belongs to a layer with a rule that is used once in this
    forward pass, on one entry per sample, and nowhere else. All of it is looked up in every call
    (a twentieth of its time on Two Circles): layers may be frozen or thawed meanwhile, and forwards
    may branch.
    """
    layers = _trained_layers(model)
    if not layers:
        return None
    if len(batch) <= chunk_size or all(type(layer) is nn.Linear for layer in layers):
        return _norms(model, batch.x, batch.y, layers)
    norms = []
    for x, y in zip(batch.x.split(chunk_size), batch.y.split(chunk_size), strict=True):
        part = _norms(model, x, y, layers)
        if part is None:
            return None
        norms.append(part)
    return torch.cat(norms)


def _norms(model: nn.Module, x: Tensor, y: Tensor, layers: Trained) -> Tensor | None:
    with torch.enable_grad(), CallsOf(layers) as calls:
        logits = logits_of(model, x)  # [K, C]
    edges = [call.edge for call in calls if call.edge is not None]
    if not _each_used_once(layers, calls, len(y)) or len(edges) < len(layers):
        return None
    root = logits.grad_fn
    if root is None or not _leaves_used_once(root):
        return None
    at_logits = loss_gradients(logits, y)  # [K, C]
    # The gradient at the logits is at hand; autograd takes its time even to hand it back.
    asked = [edge for edge in edges if edge.node is not root]
    at_outputs: dict[Node, Tensor | None] = {root: at_logits}
    if asked:
        # A layer that the logits do not depend on has gradient None, which counts as zero.
        gradients = torch.autograd.grad(
            logits, asked, at_logits.to(logits.dtype), allow_unused=True
        )
        at_outputs |= zip((edge.node for edge in asked), gradients, strict=True)
    found = [
        (call, at_output)
        for call, edge in zip(calls, edges, strict=True)
        if (at_output := at_outputs[edge.node]) is not None
    ]
    if torch.is_autocast_enabled(x.device.type):  # squares of half precision would be too coarse
        with torch.autocast(x.device.type, enabled=False):
            return _together(layers, found)
    return _together(layers, found)


def _together(layers: Trained, found: list[tuple[LayerCall, Tensor]]) -> Tensor | None:
    """Norms [K] over the layers of `found`, each with the gradient at its output."""
    squares = [
        RULES[type(call.layer)].squares(call.layer, layers[call.layer], call.input, widened(at))
        for call, at in found
    ]
    return reduce(torch.add, squares).sqrt() if squares else None


def _trained_layers(model: nn.Module) -> Trained | None:
    """The layers that train and their trained parameters; None if one of them has no rule."""
    layers: Trained = {}
    for module in model.modules():
        if isinstance(module, _BatchNorm) and (module.training or module.running_mean is None):
            return None  # batch statistics tie the samples together, even without parameters
        # Not named_parameters(recurse=False), which takes four times as long.
        trained = {n for n, p in module._parameters.items() if p is not None and p.requires_grad}
        if not trained:
            continue
        # weight_norm, say, leaves parameters of other names.
        if type(module) not in RULES or not trained <= {"weight", "bias"}:
            return None
        layers[module] = trained
    return layers


def _each_used_once(layers: Trained, calls: Collection[LayerCall], k: int) -> bool:
    """Whether every layer was called exactly once, on k entries: one per sample."""
    fit = all(
        call.input.shape[:1] == (k,) and RULES[type(call.layer)].fits(call.layer, call.input)
        for call in calls
    )
    return fit and len(calls) == len(layers) == len({id(call.layer) for call in calls})


def _leaves_used_once(root: Node) -> bool:
    """Whether no leaf of the graph has two users, as a shared weight has, even without a layer."""
    seen: set[Node] = set()
    todo = [root]
    while todo:
        for node, _ in todo.pop().next_functions:
            if node is None:
                continue
            if node not in seen:
                seen.add(node)
                todo.append(node)
            elif not node.next_functions:
                return False
    return True
