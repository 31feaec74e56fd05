"""The layers whose per-sample gradient norms need no backward pass per sample."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor, nn

from cdfis_bench.per_sample_grad.squared_norms import (
    batch_norm,
    by_vmap,
    convolution,
    embedding,
    group_norm,
    layer_norm,
    linear,
)


class Rule(NamedTuple):
    """How the norms of layers of one type are computed."""

    squared_norms: Callable[..., Tensor]
    """(layer, trained, inputs, grad_output) -> [K]; see squared_norms.py."""
    fits: Callable[..., bool] = lambda layer, inputs: True
    """(layer, inputs) -> whether the rule holds for these inputs, [K, ...]."""


def _of(ndim: int) -> Callable[..., bool]:
    return lambda layer, inputs: inputs.ndim == ndim


def _samples_first(inputs: Tensor, features: int) -> bool:
    """Whether the first dimension is that of the samples, and no other leading one can be.

    Layers that act on their last `features` dimensions only are also used sequence-first.
    """
    leading = inputs.shape[: inputs.ndim - features]
    return len(leading) >= 1 and leading[0] not in leading[1:]


# By exact type: a subclass may compute something else.
RULES: dict[type[nn.Module], Rule] = {
    nn.Linear: Rule(linear, lambda layer, inputs: _samples_first(inputs, 1)),
    nn.Conv2d: Rule(convolution, _of(4)),
    nn.GroupNorm: Rule(group_norm),
    nn.LayerNorm: Rule(
        layer_norm, lambda layer, inputs: _samples_first(inputs, len(layer.normalized_shape))
    ),
    nn.BatchNorm1d: Rule(batch_norm),
    nn.BatchNorm2d: Rule(batch_norm),
    nn.BatchNorm3d: Rule(batch_norm),
    # max_norm writes to the weights, and scale_grad_by_freq depends on the whole batch.
    nn.Embedding: Rule(
        embedding,
        lambda layer, inputs: (
            _samples_first(inputs, 0) and layer.max_norm is None and not layer.scale_grad_by_freq
        ),
    ),
    nn.Conv1d: Rule(by_vmap, _of(3)),
    nn.Conv3d: Rule(by_vmap, _of(5)),
    nn.ConvTranspose1d: Rule(by_vmap, _of(3)),
    nn.ConvTranspose2d: Rule(by_vmap, _of(4)),
    nn.ConvTranspose3d: Rule(by_vmap, _of(5)),
    nn.PReLU: Rule(by_vmap),
}
