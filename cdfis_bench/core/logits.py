"""Logits and their loss gradients, without changing the network."""

import torch
from torch import Tensor, nn
from torch.func import functional_call

from cdfis_bench.core.errors import UserError


def logits_of(model: nn.Module, x: Tensor) -> Tensor:
    """model(x) as logits [K, C]; see outputs_of.

    Args:
        model: Network that returns logits.
        x: Inputs [K, *D].

    Returns:
        Logits [K, C].

    Raises:
        UserError: If the network does not return one row of logits per sample.
    """
    logits = _forward(model, x)
    require_logits(logits, x.shape[0])
    return logits


def outputs_of(model: nn.Module, x: Tensor) -> Tensor:
    """model(x); whatever the network writes to its buffers goes to copies.

    Modules in train mode get copies of their buffers (such as running statistics). Modules in eval
    mode are assumed to write none, so nothing is copied for them.

    Args:
        model: Any network.
        x: Inputs [K, *D].

    Returns:
        Outputs [K, *].

    Raises:
        UserError: If the network does not return a tensor with one entry per sample.
    """
    outputs = _forward(model, x)
    require_outputs(outputs, x.shape[0])
    return outputs


def _forward(model: nn.Module, x: Tensor) -> Tensor:
    copies = {
        name: buffer.clone()
        for path, module in model.named_modules()
        if module.training
        for name, buffer in module.named_buffers(path, recurse=False)
    }
    return functional_call(model, copies, (x,)) if copies else model(x)


def require_logits(logits: object, k: int) -> None:
    """Raises UserError unless `logits` are a tensor [k, C]."""
    if isinstance(logits, Tensor) and logits.ndim == 2 and logits.shape[0] == k:
        return
    raise UserError(
        f"the network returned {_described(logits)} for {k} samples, but metrics need logits of "
        f"shape ({k}, classes); use a network that returns one row of logits per sample"
    )


def require_outputs(outputs: object, k: int) -> None:
    """Raises UserError unless `outputs` are a tensor [k, *]."""
    if isinstance(outputs, Tensor) and outputs.shape[:1] == (k,):
        return
    raise UserError(
        f"the network returned {_described(outputs)} for {k} samples, but must return a tensor "
        f"whose first dimension is that of the samples, ({k}, ...)"
    )


def _described(outputs: object) -> str:
    return (
        f"shape {tuple(outputs.shape)}" if isinstance(outputs, Tensor) else type(outputs).__name__
    )


def widened(values: Tensor) -> Tensor:
    """Returns `values` in float32, or float64 as they are: half precision would make ties."""
    return values if values.dtype == torch.float64 else values.float()


def loss_gradients(logits: Tensor, y: Tensor) -> Tensor:
    """Returns the gradients of the softmax cross-entropy at the logits, q - onehot(y).

    The entry of the true class is minus the sum of the others, not q_y - 1, which would round to 0
    for well-fitted samples and leave their scores with few or no correct digits.

    Args:
        logits: [K, C].
        y: Labels [K], int64, in 0..C-1.

    Returns:
        [K, C], float32 (float64 for float64 logits), without a graph.
    """
    true_class = y.unsqueeze(1)
    # exp(log_softmax) because softmax over two columns takes twice as long on a CPU.
    gradients = widened(logits.detach()).log_softmax(1).exp_()
    # scatter, not scatter_: torch.vmap would run the latter sample by sample.
    gradients = gradients.scatter(1, true_class, 0.0)
    return gradients.scatter(1, true_class, gradients.sum(1, keepdim=True).neg_())
