"""The layers whose per-sample gradient norms are known without a backward pass per sample."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor, nn

from cdfis_bench.per_sample_grad.layer_squares import (
    batch_norm,
    by_vmap,
    convolution,
    embedding,
    group_norm,
    layer_norm,
    linear,
)


class Rule(NamedTuple):
    """How layers of one type are done.

    squares: see layer_squares.py. fits(layer, entered): whether it holds for this input,
    which has K entries in its first dimension.
    """

    squares: Callable[..., Tensor]
    fits: Callable[..., bool] = lambda layer, entered: True


def _of(ndim: int) -> Callable[..., bool]:
    return lambda layer, entered: entered.ndim == ndim


def _samples_first(entered: Tensor, features: int) -> bool:
    """Whether the first dimension is that of the samples, and no other of the leading ones can be.

    Layers that know only their last dimensions, `features` of them, are also used sequence-first.
    """
    leading = entered.shape[: entered.ndim - features]
    return len(leading) >= 1 and leading[0] not in leading[1:]


# By exact type: a subclass may compute something else.
RULES: dict[type[nn.Module], Rule] = {
    nn.Linear: Rule(linear, lambda layer, entered: _samples_first(entered, 1)),
    nn.Conv2d: Rule(convolution, _of(4)),
    nn.GroupNorm: Rule(group_norm),
    nn.LayerNorm: Rule(
        layer_norm, lambda layer, entered: _samples_first(entered, len(layer.normalized_shape))
    ),
    nn.BatchNorm1d: Rule(batch_norm),
    nn.BatchNorm2d: Rule(batch_norm),
    nn.BatchNorm3d: Rule(batch_norm),
    # Renormalising writes to the weights, and frequencies are those of the batch.
    nn.Embedding: Rule(
        embedding,
        lambda layer, entered: (
            _samples_first(entered, 0) and layer.max_norm is None and not layer.scale_grad_by_freq
        ),
    ),
    nn.Conv1d: Rule(by_vmap, _of(3)),
    nn.Conv3d: Rule(by_vmap, _of(5)),
    nn.ConvTranspose1d: Rule(by_vmap, _of(3)),
    nn.ConvTranspose2d: Rule(by_vmap, _of(4)),
    nn.ConvTranspose3d: Rule(by_vmap, _of(5)),
    nn.PReLU: Rule(by_vmap),
}
