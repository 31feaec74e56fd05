"""The public functions: per-sample gradient norms of a network, in total and per layer."""

import torch
from torch import Tensor, nn

from cdfis_bench.core.errors import UserError
from cdfis_bench.per_sample_grad.by_layer import layer_norms_by_layer, norms_by_layer
from cdfis_bench.per_sample_grad.by_vmap import layer_norms_by_vmap, norms_by_vmap
from cdfis_bench.per_sample_grad.linear_chain import norms_of_linear_chain
from cdfis_bench.per_sample_grad.losses import PerSampleLoss, cross_entropy


def grad_norms(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    loss: PerSampleLoss = cross_entropy,
    *,
    chunk_size: int | None = None,
) -> Tensor:
    """Exact L2 norm of each sample's loss gradient over all trainable parameters.

    Entry k is the norm of the gradient that `loss(model(x[k:k+1]), y[k:k+1])` has with respect
    to every parameter with `requires_grad`. Networks of linear, convolutional, normalization and
    embedding layers take one forward and one backward pass for the whole batch; other networks
    take one vectorized pass (`torch.func.vmap`) that holds a gradient per sample.

    The network is scored in the mode that it is in: call `model.eval()` first unless the norms
    should include the noise of dropout, which then draws a mask per sample from PyTorch's global
    generator. The network is left unchanged: modes, parameters, `.grad`, buffers and hooks.

    Args:
        model: Network with outputs [K, *] for inputs [K, *D], which treats every sample
            independently of the others.
        x: Inputs [K, *D], K >= 1, on the device of the network.
        y: Targets [K, *]; class indices [K] int64 for the default loss.
        loss: Softmax cross-entropy of logits [K, C] by default; otherwise a function
            `loss(outputs, targets)` that returns one value per sample, [K], each computed from
            its own row alone. Outputs of half precision are passed in as float32.
        chunk_size: Samples per pass, to save memory; all K at once if None. Networks whose only
            trained layers are nn.Linear are not split. The norms do not depend on it.

    Returns:
        Norms [K] >= 0 without a graph: float64 for a float64 network, otherwise float32.

    Raises:
        PerSampleGradError: If the network has no trainable parameter, mixes the samples (BatchNorm
            in train mode or without running statistics), or cannot be vectorized. It is a
            UserError.
        UserError: If the loss does not return [K], or if x, y or the outputs have the wrong shape.

    References:
        Goodfellow 2015, "Efficient per-example gradient computations" (arXiv 1510.01799), for
        linear layers; Rochette, Manoel and Tramel 2019, "Efficient per-example gradient
        computations in convolutional neural networks" (arXiv 1912.06015); Li, Tramèr, Liang and
        Hashimoto 2022 (arXiv 2110.05679), ghost clipping, for linear layers on sequences.
    """
    chunk_size = _checked_chunk_size(x, y, loss, chunk_size)
    norms = norms_of_linear_chain(model, x, y, loss)
    if norms is None:
        norms = norms_by_layer(model, x, y, loss, chunk_size)
    return norms_by_vmap(model, x, y, loss, chunk_size) if norms is None else norms


def layer_grad_norms(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    loss: PerSampleLoss = cross_entropy,
    *,
    chunk_size: int | None = None,
) -> dict[str, Tensor]:
    """Exact L2 norm of each sample's loss gradient, separately for every layer.

    Takes the same arguments as `grad_norms`, has the same cost and leaves the network
    unchanged, too.

    Args:
        model: See `grad_norms`.
        x: Inputs [K, *D].
        y: Targets [K, *].
        loss: Per-sample loss; softmax cross-entropy by default.
        chunk_size: Samples per pass; all K at once if None.

    Returns:
        Norms [K] by the name of the module that owns the parameters, as in
        `model.named_modules()` and in its order ("" if the network is itself a layer). Every
        module that owns a trainable parameter has an entry, with zeros if the loss does not depend
        on it. A parameter that several modules share counts once, for the first of them. The
        squares of the norms add up to the squares of `grad_norms`.

    Raises:
        PerSampleGradError: See `grad_norms`.
        UserError: See `grad_norms`.
    """
    chunk_size = _checked_chunk_size(x, y, loss, chunk_size)
    norms = layer_norms_by_layer(model, x, y, loss, chunk_size)
    return layer_norms_by_vmap(model, x, y, loss, chunk_size) if norms is None else norms


def _checked_chunk_size(x: Tensor, y: Tensor, loss: PerSampleLoss, chunk_size: int | None) -> int:
    """`chunk_size`, or K if it is None; raises UserError unless it and x and y are valid."""
    # Written for speed: len(x) takes four times as long as x.shape[0], and a small network takes a
    # quarter of a millisecond.
    k = x.shape[0]
    if y.shape[:1] != (k,) or k == 0:
        raise UserError(
            f"x has {k} samples and y has shape {tuple(y.shape)}; pass one target per sample, and "
            "at least one sample"
        )
    if loss is cross_entropy and (y.ndim != 1 or y.dtype != torch.int64):
        raise UserError(
            "the default loss, softmax cross-entropy, needs class indices [K] int64, but y has "
            f"shape {tuple(y.shape)} and dtype {y.dtype}; pass loss=... for other targets"
        )
    if chunk_size is None:
        return k
    if not isinstance(chunk_size, int) or isinstance(chunk_size, bool) or chunk_size < 1:
        raise UserError(
            f"chunk_size={chunk_size!r} must be a positive integer, or None for the whole batch"
        )
    return chunk_size
