"""Per-sample losses, and their gradients with respect to the outputs of the network."""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.logits import (
    logits_of,
    loss_gradients,
    outputs_of,
    require_logits,
    require_outputs,
    widened,
)

PerSampleLoss: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Outputs [K, *] and targets [K, *] to losses [K]; loss k is computed from row k alone."""


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Softmax cross-entropy of each sample, the default loss.

    Passed as `loss`, its gradients at the logits are computed in closed form, which keeps their
    digits for samples that are fitted well.

    Args:
        outputs: Logits [K, C].
        targets: Class indices [K] int64 in 0..C-1.

    Returns:
        Losses [K].
    """
    return F.cross_entropy(outputs, targets, reduction="none")


def outputs_for(loss: PerSampleLoss, model: nn.Module, x: Tensor) -> Tensor:
    """model(x) [K, *] in the shape that the loss needs; writes to buffers go to copies."""
    return logits_of(model, x) if loss is cross_entropy else outputs_of(model, x)


def require_outputs_for(loss: PerSampleLoss, outputs: object, k: int) -> None:
    """Raises UserError unless `outputs` are [k, *], or logits [k, C] for the default loss."""
    require_logits(outputs, k) if loss is cross_entropy else require_outputs(outputs, k)


def output_gradients(loss: PerSampleLoss, outputs: Tensor, targets: Tensor) -> Tensor:
    """Gradients of the summed per-sample losses with respect to the outputs.

    Args:
        loss: Per-sample loss.
        outputs: Outputs [K, *] of the network.
        targets: Targets [K, *].

    Returns:
        Gradients in the shape of `outputs`, without a graph: float64 for float64 outputs,
        otherwise float32.

    Raises:
        UserError: If the loss does not return [K], or does not depend on the outputs.
    """
    if loss is cross_entropy:
        return loss_gradients(outputs, targets)
    with torch.enable_grad():
        leaf = widened(outputs.detach()).requires_grad_()
        losses = _checked_losses(loss(leaf, targets), outputs)
        gradients = (
            torch.autograd.grad(losses.sum(), leaf, allow_unused=True)[0]
            if losses.requires_grad
            else None
        )
    if gradients is None:
        raise UserError(
            "the loss does not depend on the outputs in a differentiable way; compute it from "
            "`outputs` without .detach(), .item() or torch.no_grad()"
        )
    return gradients


def vmapped_output_gradients(loss: PerSampleLoss, outputs: Tensor, targets: Tensor) -> Tensor:
    """As output_gradients, for code inside torch.func transforms."""
    if loss is cross_entropy:
        return loss_gradients(outputs, targets)

    def summed(outputs: Tensor) -> Tensor:
        return _checked_losses(loss(outputs, targets), outputs).sum()

    return torch.func.grad(summed)(widened(outputs.detach()))


def _checked_losses(losses: object, outputs: Tensor) -> Tensor:
    if isinstance(losses, Tensor) and losses.shape == outputs.shape[:1]:
        return losses
    if not isinstance(losses, Tensor):
        found, remedy = f"a {type(losses).__name__}", "return a tensor"
    elif losses.ndim == 0:
        found, remedy = "a scalar", 'use reduction="none"'
    else:
        found = f"shape {tuple(losses.shape)}"
        remedy = "reduce the other dimensions, for instance by .flatten(1).mean(1)"
    raise UserError(
        f"the loss returned {found} for outputs of shape {tuple(outputs.shape)}, but must return "
        f"one value per sample, [K]; {remedy}"
    )
