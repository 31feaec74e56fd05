"""Per-sample gradient norms of any network that torch.func can vectorise over its samples."""

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.modules.batchnorm import _BatchNorm

from cdfis_bench.core.errors import UserError, require
from cdfis_bench.core.logits import loss_gradients, require_logits, widened
from cdfis_bench.core.types import Batch


def norms_by_sample(model: nn.Module, batch: Batch, chunk_size: int) -> Tensor:
    """Per-sample gradient norms [K] over all trainable parameters, no graph.

    chunk_size: samples per vectorised pass, >= 1; each holds its own copy of the gradient.
    Every sample passes as a batch of one, so layers that look across samples have no place here.
    Raises UserError for BatchNorm on batch statistics and for what torch.func cannot vectorise.
    """
    require(
        not any(isinstance(m, _BatchNorm) and m.training for m in model.modules()),
        "metric=grad_norm cannot score a network with BatchNorm in train mode, where no sample has "
        "a gradient of its own; use scoring_mode=eval, or metric=loss or metric=grad_norm_bound",
    )
    weights = {n: p.detach() for n, p in model.named_parameters() if p.requires_grad}
    copies = {n: b.clone() for n, b in model.named_buffers()}

    def projected_logits(
        weights: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor, y: Tensor
    ) -> Tensor:
        """A number with the gradient of the loss: the logits times dL/dlogits held constant."""
        logits = functional_call(model, {**weights, **buffers}, (x.unsqueeze(0),))
        require_logits(logits, 1)
        at_logits = loss_gradients(logits, y.unsqueeze(0))  # [1, C]
        return (logits * at_logits).sum()

    def norm(x: Tensor, y: Tensor) -> Tensor:
        # The buffers are handed in because grad lets a network write to its arguments only.
        gradients = grad(projected_logits)(weights, copies, x, y).values()
        # Norm of norms: squares would take another copy of the gradient.
        return torch.linalg.vector_norm(
            torch.stack([torch.linalg.vector_norm(widened(gradient)) for gradient in gradients])
        )

    try:
        return vmap(norm, randomness="different", chunk_size=chunk_size)(batch.x, batch.y)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"metric=grad_norm cannot take the gradients of single samples of this network "
            f"({reason}); use scoring_mode=eval, or metric=grad_norm_last or grad_norm_bound"
        ) from error
