"""The same parts in somebody's own training loop."""

from typing import Any

import torch
from omegaconf import OmegaConf
from torch import Generator, Tensor, nn

from cdfis_bench.config.build import make
from cdfis_bench.config.where import conf_dir
from cdfis_bench.core.errors import UserError, require
from cdfis_bench.core.modes import in_mode
from cdfis_bench.core.streams import default_generator
from cdfis_bench.core.types import Batch, Metric, Selection, Selector
from cdfis_bench.engine.fit import check_parts


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
    """Which n of the candidates (x, y) to train on now.

        chosen = select(model, x, y, n=128).indices
        loss = cross_entropy(model(x[chosen]), y[chosen])

    model: gives logits [K, C] for x [K, *D]; it is scored in eval mode and left as it was. y: [K]
    int64. metric, selector: an option of that group (`python -m cdfis_bench --help` lists them), or
    an object of your own (core/types.py). generator: of the draws; torch's own if None.
    `Selection.chances` [n] are the probabilities of the chosen where they are known: weights of
    1 / (K chances) make the mean loss unbiased.
    Raises UserError if n is not in 1..K, or if the parts do not go together.
    """
    k = y.shape[0]
    require(1 <= n <= k, f"n={n} must be from 1 to the number of candidates, {k}")
    scorer: Metric = _option("metric", metric) if isinstance(metric, str) else metric
    chooser: Selector = _option("selector", selector) if isinstance(selector, str) else selector
    check_parts(scorer, chooser)
    require(
        not getattr(chooser, "whole_set", False),
        f"{type(chooser).__name__} learns a law of the whole training set, which needs more than "
        "these candidates; choose another selector",
    )
    if chooser.uses_scores:
        scorer.check(model)
        with in_mode(model, train=False):
            scores = scorer(model, Batch(x, y, torch.arange(k, device=y.device)))
    else:
        scores = torch.ones(k, device=y.device)
    return chooser(scores, n, generator or default_generator(y.device))


def _option(group: str, name: str) -> Any:
    """The part that conf/<group>/<name>.yaml describes, at its default values."""
    path = conf_dir() / group / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.yaml")))
        raise UserError(f"{group}={name!r} is not known; choose one of: {known}")
    return make(group, OmegaConf.to_container(OmegaConf.load(path)))  # type: ignore[arg-type]
