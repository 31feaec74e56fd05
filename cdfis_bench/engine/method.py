"""A method: the five parts that decide what is trained on. One entry of a legend."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cdfis_bench.core.errors import require
from cdfis_bench.core.types import Batch, Metric, Selector, Source, Threshold, Weighting
from cdfis_bench.engine.modes import in_mode


@dataclass(frozen=True, slots=True)
class Scoring:
    """How candidates are scored.

    train_mode: dropout on, or off. chunk_size: samples per forward pass, for memory's sake.
    """

    train_mode: bool
    chunk_size: int


@dataclass(frozen=True, slots=True)
class Method:
    source: Source
    metric: Metric
    selector: Selector
    weighting: Weighting
    threshold: Threshold
    scoring: Scoring

    def check(self, model: nn.Module) -> None:
        """Raises UserError if the parts do not fit together. Called before any training."""
        if self.selector.uses_scores:
            self.metric.check(model)
            require(
                self.selector.accepts_signed or not self.metric.signed,
                f"{_name(self.metric)} makes negative scores, which {_name(self.selector)} cannot "
                "draw in proportion to; use selector=topk or selector.form=rank",
            )
        require(
            self.selector.known_probabilities or not self.weighting.needs_probabilities,
            f"{_name(self.weighting)} needs exact draw probabilities, which {_name(self.selector)} "
            "does not have; use weighting=none, or selector=cdf with selector.replacement=true",
        )

    def score(self, model: nn.Module, batch: Batch) -> Tensor:
        """Scores [K] of the candidates, chunk by chunk; modes are restored."""
        size = self.scoring.chunk_size
        with in_mode(model, self.scoring.train_mode):
            if len(batch) <= size:
                return self.metric(model, batch)
            parts = zip(
                batch.x.split(size), batch.y.split(size), batch.index.split(size), strict=True
            )
            return torch.cat([self.metric(model, Batch(*part)) for part in parts])


def _name(part: object) -> str:
    return type(part).__name__
