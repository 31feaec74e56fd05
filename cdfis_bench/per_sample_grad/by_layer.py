"""Per-sample gradient norms layer by layer, for networks whose trained layers all have a rule."""

from collections.abc import Collection
from functools import reduce

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node
from torch.nn.modules.batchnorm import _BatchNorm

from cdfis_bench.core.logits import widened
from cdfis_bench.per_sample_grad.layer_calls import CallsOf, LayerCall
from cdfis_bench.per_sample_grad.layer_rules import RULES
from cdfis_bench.per_sample_grad.losses import PerSampleLoss, output_gradients, outputs_for

TrainedLayers = dict[nn.Module, set[str]]  # the names of the trained parameters of each layer
SquaredNorms = dict[nn.Module, Tensor]  # [K] per layer


def norms_by_layer(
    model: nn.Module, x: Tensor, y: Tensor, loss: PerSampleLoss, chunk_size: int
) -> Tensor | None:
    """Per-sample gradient norms over all trainable parameters; None if the rules do not apply.

    One forward and one backward pass to the outputs of the layers. The inputs of a layer and the
    gradient at its output give the squared norms (layer_rules.py). No parameter gradient is
    computed and no `.grad` is touched.

    The rules apply if every trainable parameter belongs to a layer that has one, is used once in
    this forward pass on one entry per sample, and nowhere else. This is checked in every call (a
    twentieth of its time on Two Circles) because layers may be frozen or unfrozen between calls
    and forward passes may branch.

    Args:
        model: Network with outputs [K, *].
        x: Inputs [K, *D].
        y: Targets [K, *].
        loss: Per-sample loss.
        chunk_size: Samples per pass, >= 1, to save memory; networks whose only trained layers are
            nn.Linear take all samples at once.

    Returns:
        Norms [K] without a graph, or None.
    """
    chunks = _squared_norms_in_chunks(model, x, y, loss, chunk_size)
    if chunks is None:
        return None
    norms = [reduce(torch.add, chunk.values()).sqrt() for chunk in chunks]
    return norms[0] if len(norms) == 1 else torch.cat(norms)


def layer_norms_by_layer(
    model: nn.Module, x: Tensor, y: Tensor, loss: PerSampleLoss, chunk_size: int
) -> dict[str, Tensor] | None:
    """As norms_by_layer, by the name of the layer; zeros for layers without influence."""
    chunks = _squared_norms_in_chunks(model, x, y, loss, chunk_size)
    if chunks is None:
        return None
    zeros = [torch.zeros_like(next(iter(chunk.values()))) for chunk in chunks]
    return {
        name: torch.cat(
            [chunk.get(layer, zero) for chunk, zero in zip(chunks, zeros, strict=True)]
        ).sqrt()
        for name, layer in model.named_modules()
        if any(p is not None and p.requires_grad for p in layer._parameters.values())
    }


def _squared_norms_in_chunks(
    model: nn.Module, x: Tensor, y: Tensor, loss: PerSampleLoss, chunk_size: int
) -> list[SquaredNorms] | None:
    """The squared norms of each chunk of samples; None if the rules do not apply."""
    layers = _trained_layers(model)
    if not layers:
        return None
    if y.shape[0] <= chunk_size or all(type(layer) is nn.Linear for layer in layers):
        chunks = [(x, y)]
    else:
        chunks = zip(x.split(chunk_size), y.split(chunk_size), strict=True)
    found = []
    for chunk_x, chunk_y in chunks:
        squared_norms = _squared_norms(model, chunk_x, chunk_y, loss, layers)
        if not squared_norms:
            return None
        found.append(squared_norms)
    return found


def _squared_norms(
    model: nn.Module, x: Tensor, y: Tensor, loss: PerSampleLoss, layers: TrainedLayers
) -> SquaredNorms | None:
    with torch.enable_grad(), CallsOf(layers) as calls:
        outputs = outputs_for(loss, model, x)  # [K, *]
    edges = [call.edge for call in calls if call.edge is not None]
    if not _each_used_once(layers, calls, y.shape[0]) or len(edges) < len(layers):
        return None
    root = outputs.grad_fn
    if root is None or not _leaves_used_once(root):
        return None
    grad_outputs = output_gradients(loss, outputs, y)  # [K, *]
    # The gradient at the outputs is known already, and autograd takes time even to return it.
    other_edges = [edge for edge in edges if edge.node is not root]
    grad_of_node: dict[Node, Tensor | None] = {root: grad_outputs}
    if other_edges:
        # A layer that the outputs do not depend on has gradient None, which counts as zero.
        gradients = torch.autograd.grad(
            outputs, other_edges, grad_outputs.to(outputs.dtype), allow_unused=True
        )
        grad_of_node |= zip((edge.node for edge in other_edges), gradients, strict=True)
    found = [
        (call, grad_output)
        for call, edge in zip(calls, edges, strict=True)
        if (grad_output := grad_of_node[edge.node]) is not None
    ]
    if torch.is_autocast_enabled(x.device.type):  # squares of half precision would be too coarse
        with torch.autocast(x.device.type, enabled=False):
            return _apply_rules(layers, found)
    return _apply_rules(layers, found)


def _apply_rules(layers: TrainedLayers, calls: list[tuple[LayerCall, Tensor]]) -> SquaredNorms:
    """Squared norms of the layers of `calls`, each with the gradient at its output."""
    return {
        call.layer: RULES[type(call.layer)].squared_norms(
            call.layer, layers[call.layer], call.input, widened(grad_output)
        )
        for call, grad_output in calls
    }


def _trained_layers(model: nn.Module) -> TrainedLayers | None:
    """The layers that train and their trained parameters; None if one of them has no rule."""
    layers: TrainedLayers = {}
    for module in model.modules():
        if isinstance(module, _BatchNorm) and (module.training or module.running_mean is None):
            return None  # batch statistics mix the samples, even without parameters
        # Not named_parameters(recurse=False), which takes four times as long.
        trained = {n for n, p in module._parameters.items() if p is not None and p.requires_grad}
        if not trained:
            continue
        # weight_norm, for example, leaves parameters of other names.
        if type(module) not in RULES or not trained <= {"weight", "bias"}:
            return None
        layers[module] = trained
    return layers


def _each_used_once(layers: TrainedLayers, calls: Collection[LayerCall], k: int) -> bool:
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
