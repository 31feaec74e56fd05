"""The least time that any method with these parts must take, on tensors that are already loaded.

Every `training` here has backend=plain, so that the copies of its network use the memory layout
that each floor asks for.
"""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchmark.ours import large_batch
from benchmark.timing import Work, fastest
from cdfis_bench.engine.setup import RunSetup

Forward = Callable[[Tensor], Tensor]


def bare_forward(training: RunSetup, losses: bool = False) -> tuple[Work, str]:
    """The fastest forward pass of K candidates without gradients that we know, and its name.

    losses: with the loss of each candidate, which makes it the least that scoring can cost.
    """
    model = copy.deepcopy(training.model).eval()
    batch = large_batch(training)
    x, y = batch.x, batch.y
    passes = {"eager": (_forward(model), x, len(x))}
    if x.ndim == 4:  # eager NCHW takes twice as long as any of these
        passes = {}
        plain, last = as_nchw(x), copy.deepcopy(model).to(memory_format=torch.channels_last)
        for words, chunk in (
            ("", len(x)),
            (", in chunks", training.eval_chunk_size),
            (" of 32", 32),
        ):
            passes[f"channels_last{words}"] = _forward(last), x, chunk
            passes[f"oneDNN tensors{words}"] = _opaque_forward(model), plain, chunk
    works = {name: _scored(*one, y if losses else None) for name, one in passes.items()}
    name = fastest(works)
    return works[name], name


def eager_nchw_forward(training: RunSetup, chunk: int) -> Work:
    """The plain forward pass in PyTorch's own layout, in chunks."""
    model = copy.deepcopy(training.model).eval().to(memory_format=torch.contiguous_format)
    return _scored(_forward(model), as_nchw(large_batch(training).x), chunk, None)


def bare_update(training: RunSetup) -> tuple[Work, str]:
    """The fastest forward and backward pass of N and fused Adam step, and its name."""
    x = large_batch(training).x[: training.batch_size]
    works = {"as it comes": _update(training, training.model, x)}
    if x.ndim == 4:
        works["NCHW"] = _update(training, training.model, as_nchw(x))
        last = copy.deepcopy(training.model).to(memory_format=torch.channels_last)
        works["channels_last"] = _update(
            training, last, x.contiguous(memory_format=torch.channels_last)
        )
    name = fastest(works)
    return works[name], name


def as_nchw(x: Tensor) -> Tensor:
    """A copy in PyTorch's own layout. Not x.contiguous(): images of one channel count as contiguous
    in every layout, and are computed with in the one that their strides say.
    """
    return x.clone(memory_format=torch.contiguous_format)


def both(*works: Work) -> Work:
    def work() -> None:
        for each in works:
            each()

    return work


def _scored(forward: Forward, x: Tensor, chunk: int, y: Tensor | None) -> Work:
    """x through the network in chunks, without gradients; and the losses, given labels."""
    parts = x.split(chunk)
    labels = [None] * len(parts) if y is None else y.split(chunk)

    @torch.no_grad()
    def work() -> None:
        for part, of_part in zip(parts, labels, strict=True):
            logits = forward(part)
            if of_part is not None:
                cross_entropy(logits, of_part, reduction="none")

    return work


def _forward(model: nn.Module) -> Forward:
    return lambda x: model(x)


def _opaque_forward(model: nn.Module) -> Forward:
    """Tensors in oneDNN's own layout from the first convolution to the flattening."""
    layers = [m for m in model.children() if not isinstance(m, nn.Dropout | nn.Dropout2d)]

    def forward(x: Tensor) -> Tensor:
        h = x.to_mkldnn()
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                sizes = layer.padding, layer.stride, layer.dilation, layer.groups
                h = torch.mkldnn_convolution(h, layer.weight, layer.bias, *sizes)
            else:
                h = layer(h.to_dense() if isinstance(layer, nn.Flatten) else h)
        return h

    return forward


def _update(training: RunSetup, model: nn.Module, x: Tensor) -> Work:
    model = copy.deepcopy(model).train()
    x, y = x.clone(), large_batch(training).y[: training.batch_size].clone()
    optimizer = torch.optim.Adam(model.parameters(), fused=True)

    def work() -> None:
        optimizer.zero_grad(set_to_none=True)
        cross_entropy(model(x), y).backward()
        optimizer.step()

    return work
