"""The metrics and selectors in any training loop."""

from collections.abc import Callable
from functools import lru_cache, partial
from importlib import import_module
from typing import Any
from weakref import WeakKeyDictionary

import torch
from omegaconf import OmegaConf
from torch import Generator, Tensor, nn

from cdfis_bench.config.where import conf_dir
from cdfis_bench.core.errors import UserError, require
from cdfis_bench.core.logits import outputs_of
from cdfis_bench.core.modes import in_mode
from cdfis_bench.core.parts import (
    Metric,
    PairwiseMetric,
    Part,
    Selector,
    VariableSizeSelector,
    WholeDatasetSelector,
)
from cdfis_bench.core.streams import default_generator
from cdfis_bench.core.types import Batch, Selection
from cdfis_bench.engine.fit import check_pair, check_part


@torch.no_grad()
def select(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    n: int,
    *,
    metric: str | Metric = "loss",
    selector: str | Selector = "cdf",
    generator: Generator | None = None,
) -> Selection:
    """Selects the n candidates to train on now.

        selected = select(model, x, y, n=128).indices
        loss = cross_entropy(model(x[selected]), y[selected])

    Weights of 1 / (K selection.selected_probabilities) make the mean loss unbiased, where these
    probabilities are known.

    Args:
        model: Gives logits [K, C] for x. It is scored in eval mode and left as it was.
        x: Candidates [K, *D].
        y: Their labels [K], int64.
        n: Number of candidates to select, 1 to K.
        metric: An option of the group `metric` (`python -m cdfis_bench --help` lists them), or an
            object of your own (cdfis_bench.core.parts.Metric).
        selector: An option of the group `selector`, or an object of your own.
        generator: Random generator of the draws; None for torch's own.

    Returns:
        The selection; `indices` [n] are positions among the candidates.

    Raises:
        UserError: If n is not in 1..K, if the labels are not K classes of the network, if tensors
            are on several devices, or if metric and selector do not go together or need more than
            one large batch.
    """
    _check_candidates(model, x, y)
    k = y.shape[0]
    require(
        isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= k,
        f"n={n!r} must be from 1 to the number of candidates, {k}",
    )
    generator = generator or default_generator(y.device)
    require(
        generator.device.type == y.device.type,
        f"the generator is on {generator.device}, the candidates are on {y.device}; use "
        f"torch.Generator('{y.device}')",
    )
    scorer: Metric = _option("metric", metric) if isinstance(metric, str) else metric
    chooser: Selector = _option("selector", selector) if isinstance(selector, str) else selector
    _check(scorer, chooser)
    if chooser.uses_scores:
        scorer.check(model)
        with in_mode(model, train=False):
            _check_classes(model, x, y)
            scores = scorer(model, Batch(x, y, torch.arange(k, device=y.device)))
        expected = (k, k) if isinstance(scorer, PairwiseMetric) else (k,)
        require(
            isinstance(scores, Tensor) and tuple(scores.shape) == expected,
            f"{type(scorer).__name__} gave {_described(scores)} for {k} candidates; it must give "
            f"scores of shape {expected}",
        )
    else:
        scores = torch.ones(k, device=y.device)
    return chooser(scores, n, generator)


def _check_candidates(model: nn.Module, x: Tensor, y: Tensor) -> None:
    """Raises UserError unless x and y are candidates with one class each, beside their network."""
    require(isinstance(model, nn.Module), f"model is {_described(model)}, not a torch.nn.Module")
    for name, values in (("x", x), ("y", y)):
        require(isinstance(values, Tensor), f"{name} is {_described(values)}; give a torch.Tensor")
    floating = y.is_floating_point() or y.is_complex()
    require(
        not floating,
        f"y is {y.dtype}, but only classes are supported, not regression or soft labels; give "
        "int64 labels [K], such as y.long()",
    )
    require(
        y.ndim == 1,
        f"y of shape {tuple(y.shape)} must be [K], one class per candidate; give y.argmax(1) for "
        "one-hot rows, y.flatten() for a column",
    )
    require(y.dtype == torch.int64, f"y is {y.dtype}, but labels are int64; give y.long()")
    require(len(y) > 0, "there are no candidates: y is empty; give at least one")
    require(
        x.ndim >= 1 and len(x) == len(y),
        f"x of shape {tuple(x.shape)} and y of shape {tuple(y.shape)} must have as many rows",
    )
    weight = next(model.parameters(), x)
    require(
        x.device == y.device == weight.device,
        f"x is on {x.device}, y on {y.device} and the network on {weight.device}; move them to "
        "one device",
    )


# The number of classes of networks that have been seen, so that they are asked once only.
_CLASSES: WeakKeyDictionary[nn.Module, int | None] = WeakKeyDictionary()


def _check_classes(model: nn.Module, x: Tensor, y: Tensor) -> None:
    """Raises UserError unless the labels are among the classes that the network gives logits for.

    A label out of range would be a loss of 0 (-100, which PyTorch ignores), a failed assertion on
    the GPU that ends the process, or another sample's logit. A network without logits is left to
    the metric.
    """
    if model not in _CLASSES:
        logits = outputs_of(model, x[:1])
        _CLASSES[model] = logits.shape[1] if logits.ndim == 2 else None
    classes = _CLASSES[model]
    if classes is None:
        return
    require(
        classes >= 2,
        f"the network gives {classes} logit per candidate; give one per class, two for a binary "
        "task",
    )
    low, high = (int(value) for value in y.aminmax())
    require(
        low >= 0 and high < classes,
        f"y holds labels from {low} to {high}, but the network has {classes} classes, 0 to "
        f"{classes - 1}",
    )


def _described(value: object) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    return f"of type {type(value).__name__}"


def _check(metric: Metric, selector: Selector) -> None:
    """Raises UserError if one large batch is not enough for these parts."""
    check_part("metric", metric)
    check_part("selector", selector)
    check_pair(metric, selector)
    require(
        not isinstance(selector, WholeDatasetSelector),
        f"{type(selector).__name__} keeps a distribution over the whole training set, which needs "
        "more than these candidates; use another selector, such as selector='cdf'",
    )
    require(
        not isinstance(selector, VariableSizeSelector),
        f"{type(selector).__name__} accepts as many samples as it likes, not n of them; use "
        "another selector, such as selector='cdf'",
    )
    kind = type(metric)
    require(
        not selector.uses_scores or (kind.setup is Part.setup and kind.prepare is Metric.prepare),
        f"{kind.__name__} keeps values of the whole training set, which needs more than these "
        "candidates; use another metric, such as metric='loss'",
    )


def _option(group: str, name: str) -> Any:
    """A new part with the default values of conf/<group>/<name>.yaml."""
    return _maker(group, name)()


@lru_cache(maxsize=64)
def _maker(group: str, name: str) -> Callable[[], Any]:
    path = conf_dir() / group / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.yaml")))
        raise UserError(f"{group}={name!r} is not known; choose one of: {known}")
    values: dict[str, Any] = OmegaConf.to_container(OmegaConf.load(path))  # pyright: ignore[reportAssignmentType]
    values.pop("name", None)
    module, _, attribute = str(values.pop("_target_")).rpartition(".")
    return partial(getattr(import_module(module), attribute), **values)
