"""Per-sample gradient norms in closed form, for networks that train only Linear layers."""

from collections.abc import Collection
from functools import reduce

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node
from torch.nn.modules.batchnorm import _BatchNorm

from cdfis_bench.core.types import Batch
from cdfis_bench.metrics.linear_calls import CallsOf, LinearCall
from cdfis_bench.metrics.logits import logits_of, loss_gradients, widened


def norms_by_layer(model: nn.Module, batch: Batch) -> Tensor | None:
    """Per-sample gradient norms [K] over all trainable parameters; None where the form fails.

    With input a_l [K, H] of layer l and loss gradient g_l [K, O] at its output, a sample's weight
    gradient is the outer product of its rows, so norm^2 = sum_l ||g_l||^2 (||a_l||^2 + 1), where
    ||a_l||^2 stands for the weight and 1 for the bias, if they train. No parameter gradient is
    computed and no `.grad` is touched.
    Holds if every trainable parameter is weight or bias of an nn.Linear that is used once in this
    forward pass, on one row per sample, and nowhere else. All of it is looked up in every call
    (a twentieth of its time): layers may be frozen or thawed meanwhile, and forwards may branch.
    Source: Goodfellow 2015 (arXiv 1510.01799).
    """
    layers = _trained_linears(model)
    if not layers:
        return None
    with torch.enable_grad(), CallsOf(layers) as calls:
        logits = logits_of(model, batch.x)  # [K, C]
    edges = [call.edge for call in calls if call.edge is not None]
    if not _each_used_once(layers, calls, len(batch)) or len(edges) < len(layers):
        return None
    root = logits.grad_fn
    if root is None or not _leaves_used_once(root):
        return None
    at_logits = loss_gradients(logits, batch.y)  # [K, C]
    # The gradient at the logits is at hand; autograd takes its time even to hand it back.
    asked = [edge for edge in edges if edge.node is not root]
    at_outputs: dict[Node, Tensor | None] = {root: at_logits}
    if asked:
        # A layer that the logits do not depend on has gradient None, which counts as zero.
        found = torch.autograd.grad(logits, asked, at_logits.to(logits.dtype), allow_unused=True)
        at_outputs |= zip((edge.node for edge in asked), found, strict=True)
    squares = [
        _squared_norms(layers[call.layer], call.input, at_output)
        for call, edge in zip(calls, edges, strict=True)
        if (at_output := at_outputs[edge.node]) is not None
    ]
    return reduce(torch.add, squares).sqrt() if squares else None


def _squared_norms(trained: set[str], entered: Tensor, at_output: Tensor) -> Tensor:
    """Squared gradient norms [K] over the `trained` ones of a layer's weight and bias."""
    at_output = widened(at_output)  # [K, O]
    squares = torch.linalg.vecdot(at_output, at_output)
    if "weight" not in trained:
        return squares
    entered = widened(entered)  # [K, H]
    inputs = torch.linalg.vecdot(entered, entered)
    return squares * (inputs.add_(1) if "bias" in trained else inputs)


def _trained_linears(model: nn.Module) -> dict[nn.Linear, set[str]] | None:
    """The Linear layers that train and their trained parameters; None if anything else trains."""
    layers: dict[nn.Linear, set[str]] = {}
    for module in model.modules():
        if isinstance(module, _BatchNorm) and (module.training or module.running_mean is None):
            return None  # batch statistics tie the samples together, even without parameters
        # Not named_parameters(recurse=False), which takes four times as long.
        trained = {n for n, p in module._parameters.items() if p is not None and p.requires_grad}
        if not trained:
            continue
        # Not isinstance: a subclass may compute something else; and so may weight_norm.
        if type(module) is not nn.Linear or not trained <= {"weight", "bias"}:
            return None
        layers[module] = trained
    return layers


def _each_used_once(layers: Collection[nn.Linear], calls: Collection[LinearCall], k: int) -> bool:
    """Whether every layer was called exactly once, on k rows: one per sample."""
    rows = all(call.input.ndim == 2 and call.input.shape[0] == k for call in calls)
    return rows and len(calls) == len(layers) == len({id(call.layer) for call in calls})


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
