"""Per-sample gradient norms by the libraries that people would reach for."""

import copy
import warnings
from collections.abc import Callable
from importlib.util import find_spec

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchmark.floor import as_nchw
from cdfis_bench import per_sample_grad
from cdfis_bench.core.types import Batch
from cdfis_bench.per_sample_grad.by_vmap import norms_by_vmap

Norms = Callable[[], Tensor]  # [K]


def library_norms(model: nn.Module, batch: Batch, chunk: int) -> tuple[dict[str, Norms], list[str]]:
    """By name: the norms of the batch, `chunk` samples at a time; and what is not installed."""
    still = copy.deepcopy(model).eval()
    made: dict[str, Norms] = {
        "vmap": lambda: norms_by_vmap(still, batch.x, batch.y, per_sample_grad.cross_entropy, chunk)
    }
    missing = []
    for name, package, make in (
        ("Opacus", "opacus", _opacus),
        ("BackPACK", "backpack", _backpack),
    ):
        if find_spec(package) is None:
            missing.append(name)
        else:
            made[name] = make(_without_dropout(model), batch, chunk)
    return made, missing


def _opacus(model: nn.Module, batch: Batch, chunk: int) -> Norms:
    from opacus import GradSampleModule

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about hooks, by Opacus's own design
        wrapped = GradSampleModule(model.train(), loss_reduction="sum")
    # Its unfold2d reads channels_last tensors as if they were not: its norms would be wrong.
    parts = _parts(Batch(as_nchw(batch.x), batch.y, batch.index), chunk)

    def norms() -> Tensor:
        found = []
        for x, y in parts:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                cross_entropy(wrapped(x), y, reduction="sum").backward()
            squares = [p.grad_sample.flatten(1).square().sum(1) for p in model.parameters()]  # type: ignore[attr-defined]
            found.append(torch.stack(squares).sum(0).sqrt())
            wrapped.zero_grad(set_to_none=True)
        return torch.cat(found)

    return norms


def _backpack(model: nn.Module, batch: Batch, chunk: int) -> Norms:
    from backpack import backpack, extend
    from backpack.extensions import BatchL2Grad

    extended, loss = extend(model.eval()), extend(nn.CrossEntropyLoss(reduction="sum"))
    parts = _parts(batch, chunk)

    def norms() -> Tensor:
        found = []
        for x, y in parts:
            with backpack(BatchL2Grad()), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about hooks, by BackPACK's own design
                loss(extended(x), y).backward()
            squares = [p.batch_l2 for p in model.parameters()]  # type: ignore[attr-defined]
            found.append(torch.stack(squares).sum(0).sqrt())
            model.zero_grad(set_to_none=True)
        return torch.cat(found)

    return norms


def _parts(batch: Batch, chunk: int) -> list[tuple[Tensor, Tensor]]:
    return list(zip(batch.x.split(chunk), batch.y.split(chunk), strict=True))


def _without_dropout(model: nn.Module) -> nn.Module:
    """Opacus works in train mode only, where dropout would change what is measured."""
    kept = [layer for layer in model.children() if not isinstance(layer, nn.Dropout | nn.Dropout2d)]
    return copy.deepcopy(nn.Sequential(*kept))
