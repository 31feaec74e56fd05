"""The metrics and selectors in any training loop."""

from collections.abc import Callable
from functools import lru_cache, partial
from importlib import import_module
from typing import Any

import torch
from omegaconf import OmegaConf
from torch import Generator, Tensor, nn

from cdfis_bench.config.where import conf_dir
from cdfis_bench.core.errors import UserError, require
from cdfis_bench.core.modes import in_mode
from cdfis_bench.core.parts import (
    Metric,
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
        UserError: If n is not in 1..K, or if metric and selector do not go together or need more
            than one large batch.
    """
    k = y.shape[0]
    require(1 <= n <= k, f"n={n} must be from 1 to the number of candidates, {k}")
    scorer: Metric = _option("metric", metric) if isinstance(metric, str) else metric
    chooser: Selector = _option("selector", selector) if isinstance(selector, str) else selector
    _check(scorer, chooser)
    if chooser.uses_scores:
        scorer.check(model)
        with in_mode(model, train=False):
            scores = scorer(model, Batch(x, y, torch.arange(k, device=y.device)))
    else:
        scores = torch.ones(k, device=y.device)
    return chooser(scores, n, generator or default_generator(y.device))


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
    del values["name"]
    module, _, attribute = str(values.pop("_target_")).rpartition(".")
    return partial(getattr(import_module(module), attribute), **values)
