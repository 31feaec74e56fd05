"""Per-sample gradient norms of any network that torch.func can vectorize over its samples."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.modules.batchnorm import _BatchNorm

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.logits import widened
from cdfis_bench.per_sample_grad.losses import (
    PerSampleLoss,
    require_outputs_for,
    vmapped_output_gradients,
)


class PerSampleGradError(UserError):
    """The gradients of single samples are not defined for this network, or cannot be computed."""


def norms_by_vmap(
    model: nn.Module, x: Tensor, y: Tensor, loss: PerSampleLoss, chunk_size: int
) -> Tensor:
    """Per-sample gradient norms over all trainable parameters, by one vectorized pass per chunk.

    Every sample passes as a batch of one, so layers that mix samples are refused.

    Args:
        model: Network that torch.func can vectorize.
        x: Inputs [K, *D].
        y: Targets [K, *].
        loss: Per-sample loss.
        chunk_size: Samples per vectorized pass, >= 1; each holds its own copy of the gradient.

    Returns:
        Norms [K] without a graph.

    Raises:
        PerSampleGradError: If nothing is trainable, if BatchNorm mixes the samples, or if
            torch.func cannot vectorize the network or the loss.
    """
    gradients = _sample_gradients(model, loss)

    def norm(x: Tensor, y: Tensor) -> Tensor:
        # Norm of norms: squares would take another copy of the gradient.
        return torch.linalg.vector_norm(_norms(gradients(x, y)))

    return _vectorized(norm, x, y, chunk_size)


def layer_norms_by_vmap(
    model: nn.Module, x: Tensor, y: Tensor, loss: PerSampleLoss, chunk_size: int
) -> dict[str, Tensor]:
    """As norms_by_vmap, by the name of the module that owns the parameters."""
    gradients = _sample_gradients(model, loss)
    norms = _vectorized(lambda x, y: _norms(gradients(x, y)), x, y, chunk_size)  # [K, parameters]
    columns: dict[str, list[int]] = {}
    for column, name in enumerate(n for n, p in model.named_parameters() if p.requires_grad):
        columns.setdefault(name.rpartition(".")[0], []).append(column)
    return {
        name: torch.linalg.vector_norm(norms[:, chosen], dim=1) for name, chosen in columns.items()
    }


def _sample_gradients(
    model: nn.Module, loss: PerSampleLoss
) -> Callable[[Tensor, Tensor], dict[str, Tensor]]:
    """The function from one sample (x [*D], y [*]) to its gradient, by parameter name."""
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            if module.training:
                raise PerSampleGradError(
                    "BatchNorm in train mode mixes the samples, so that none has a gradient of its "
                    "own; put the network in eval mode with model.eval()"
                )
            if module.running_mean is None:
                raise PerSampleGradError(
                    "BatchNorm with track_running_stats=False mixes the samples in every mode; use "
                    "running statistics or another normalization, such as nn.GroupNorm"
                )
    weights = {n: p.detach() for n, p in model.named_parameters() if p.requires_grad}
    if not weights:
        raise PerSampleGradError(
            "the network has no trainable parameter; set requires_grad for at least one of them"
        )
    copies = {n: b.clone() for n, b in model.named_buffers()}

    def projected_outputs(
        weights: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor, y: Tensor
    ) -> Tensor:
        """A scalar with the gradient of the loss: outputs times dL/doutputs held constant."""
        outputs = functional_call(model, {**weights, **buffers}, (x.unsqueeze(0),))
        require_outputs_for(loss, outputs, 1)
        grad_output = vmapped_output_gradients(loss, outputs, y.unsqueeze(0))  # [1, *]
        return (outputs * grad_output).sum()

    # The buffers are arguments because grad lets a network write to its arguments only.
    return lambda x, y: grad(projected_outputs)(weights, copies, x, y)


def _norms(gradients: dict[str, Tensor]) -> Tensor:
    """The norm of each tensor, [tensors], at least float32."""
    return torch.stack([torch.linalg.vector_norm(widened(g)) for g in gradients.values()])


def _vectorized(
    function: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor, chunk_size: int
) -> Tensor:
    try:
        return vmap(function, randomness="different", chunk_size=chunk_size)(x, y)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise PerSampleGradError(
            "torch.func cannot compute the gradients of single samples for this network and loss "
            f"({reason}); put the network in eval mode with model.eval(), or replace the operation"
        ) from error
