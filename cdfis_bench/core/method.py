"""A method: the five parts that decide what is trained on. One entry of a legend."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from cdfis_bench.core.modes import in_mode, scoring_autocast
from cdfis_bench.core.parts import (
    LogitMetric,
    Metric,
    PairwiseMetric,
    Part,
    Selector,
    Source,
    Threshold,
    Weighting,
)
from cdfis_bench.core.types import Batch, HoldoutLosses, Sizes, StepEnd


@dataclass(frozen=True, slots=True)
class Scoring:
    """How candidates are scored.

    Attributes:
        train_mode: Whether the network scores in train mode, with dropout.
        chunk_size: Samples per forward pass, to limit the memory.
        dtype: float32, or bfloat16 for passes under autocast; scores are float32 either way.
    """

    train_mode: bool
    chunk_size: int
    dtype: torch.dtype = torch.float32


class Method:
    """The five parts of a method, and how it scores."""

    def __init__(
        self,
        source: Source,
        metric: Metric,
        selector: Selector,
        weighting: Weighting,
        threshold: Threshold,
        scoring: Scoring,
    ) -> None:
        """Takes fresh parts, without memory of an earlier run."""
        self.source = source
        self.metric = metric
        self.selector = selector
        self.weighting = weighting
        self.threshold = threshold
        self.scoring = scoring
        self._listeners = [part for part in self.parts().values() if _listens(part)]

    def with_threshold(self, threshold: Threshold) -> "Method":
        """The same parts with another threshold."""
        return Method(
            self.source, self.metric, self.selector, self.weighting, threshold, self.scoring
        )

    def parts(self) -> dict[str, Part]:
        """The five parts by the name of their group."""
        return {
            "source": self.source,
            "metric": self.metric,
            "selector": self.selector,
            "weighting": self.weighting,
            "threshold": self.threshold,
        }

    def setup(self, sizes: Sizes) -> None:
        """Tells every part the sizes of the run."""
        for part in self.parts().values():
            part.setup(sizes)

    def prepare(self, holdout: HoldoutLosses) -> None:
        """Lets the metric train holdout models before the run."""
        self.metric.prepare(holdout)

    @property
    def selecting(self) -> bool:
        """Whether the next mini-batch is selected, not taken in shuffled order."""
        return self.threshold.open and self.selects

    @property
    def selects(self) -> bool:
        """Whether mini-batches are selected once the gate is open; false for uniform sampling."""
        source = self.source
        return (
            self.selector.uses_scores or source.selects_without_scores or source.draws_from_dataset
        )

    def score(self, model: nn.Module, batch: Batch) -> Tensor:
        """Scores [K] of the candidates, chunk by chunk; the model's modes are restored."""
        with in_mode(model, self.scoring.train_mode):
            with scoring_autocast(batch.x.device, self.scoring.dtype):
                return self._score_in_chunks(model, batch)

    def _score_in_chunks(self, model: nn.Module, batch: Batch) -> Tensor:
        size = self.scoring.chunk_size
        # Scores [K, K] cannot be made of chunks.
        if len(batch) <= size or isinstance(self.metric, PairwiseMetric):
            return self.metric(model, batch)
        parts = zip(batch.x.split(size), batch.y.split(size), batch.index.split(size), strict=True)
        return torch.cat([self.metric(model, Batch(*part)) for part in parts])

    def free_scores(self, logits: Tensor, y: Tensor) -> Tensor:
        """Scores [N] of trained samples, from the logits of the training pass."""
        assert isinstance(self.metric, LogitMetric), "check_fit comes first"
        return self.metric.from_logits(logits, y)

    @property
    def listens(self) -> bool:
        """Whether any part wants to see what training showed."""
        return bool(self._listeners)

    def on_step_end(self, step_end: StepEnd) -> None:
        """Shows every part that listens what training showed."""
        for part in self._listeners:
            part.on_step_end(step_end)

    def state_dict(self) -> dict[str, Any]:
        """The states of all parts."""
        return {name: part.state_dict() for name, part in self.parts().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from what `state_dict` returned."""
        for name, part in self.parts().items():
            part.load_state_dict(state[name])


def _listens(part: Part) -> bool:
    return type(part).on_step_end is not Part.on_step_end
