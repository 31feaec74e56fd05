"""A method: the five parts that decide what is trained on. One entry of a legend."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Generator, Tensor, nn

from cdfis_bench.core.modes import in_mode
from cdfis_bench.core.streams import Streams
from cdfis_bench.core.types import (
    Batch,
    Chosen,
    Feedback,
    Metric,
    Scale,
    Selector,
    Source,
    Threshold,
    Weighting,
)
from cdfis_bench.engine.fit import check_fit
from cdfis_bench.engine.holdout import HoldoutTraining
from cdfis_bench.engine.meters.cost import CostMeter


@dataclass(frozen=True, slots=True)
class Scoring:
    """How candidates are scored.

    train_mode: dropout on, or off. chunk_size: samples per forward pass, for memory's sake.
    dtype: float32, or bfloat16 for passes under autocast; scores are float32 either way.
    """

    train_mode: bool
    chunk_size: int
    dtype: torch.dtype = torch.float32


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
        check_fit(self.source, self.metric, self.selector, self.weighting, self.threshold)
        if self.selector.uses_scores:
            self.metric.check(model)

    def start(self, scale: Scale) -> None:
        """Tells the parts that remember something per sample how many there are."""
        for part in self._parts():
            if hasattr(part, "start"):
                part.start(scale)

    def prepare(self, side: HoldoutTraining) -> None:
        """Lets the metric train what it needs aside, before the run."""
        if hasattr(self.metric, "prepare"):
            self.metric.prepare(side)

    def choose(
        self, model: nn.Module, n: int, streams: Streams, cost: CostMeter, progress: float
    ) -> Chosen:
        """The next mini-batch; modes are restored. progress: share of the budget spent, 0..1."""
        parts = Choosing(self, model, n, progress, streams.select, cost)
        return self.source.choose(self.selecting, streams.order, parts)

    @property
    def selecting(self) -> bool:
        """Whether the next mini-batch is chosen, not taken as it comes."""
        selects = self.selector.uses_scores or self.source.kind == "subset"
        return self.threshold.open and selects

    def score(self, model: nn.Module, batch: Batch) -> Tensor:
        """Scores [K] of the candidates, chunk by chunk; modes are restored."""
        with in_mode(model, self.scoring.train_mode):
            if self.scoring.dtype is torch.float32:  # a disabled autocast would take its time
                return self._score_in_chunks(model, batch)
            # No cache of cast weights: it would hide from grad_norm that a weight is used twice.
            kind = batch.x.device.type
            with torch.autocast(kind, self.scoring.dtype, cache_enabled=False):
                return self._score_in_chunks(model, batch)

    def _score_in_chunks(self, model: nn.Module, batch: Batch) -> Tensor:
        size = self.scoring.chunk_size
        # [K, K] cannot be made of chunks.
        if len(batch) <= size or getattr(self.metric, "pairwise", False):
            return self.metric(model, batch)
        parts = zip(batch.x.split(size), batch.y.split(size), batch.index.split(size), strict=True)
        return torch.cat([self.metric(model, Batch(*part)) for part in parts])

    def scores_of(self, chosen: Chosen, logits: Tensor) -> Tensor:
        """Of the candidates if they were scored, else of the trained samples [N], for free."""
        if chosen.scores is not None:
            return chosen.scores
        return self.metric.of_logits(logits, chosen.batch.y)  # type: ignore[attr-defined]

    @property
    def learns(self) -> bool:
        """Whether any part wants to see what training showed."""
        return any(hasattr(part, "learn") for part in self._parts())

    def learn(self, feedback: Feedback) -> None:
        """A metric's memory is left alone where the selector has its own (core.types.Selector)."""
        of_its_own = getattr(self.selector, "whole_set", False)
        for part in self._parts():
            if hasattr(part, "learn") and not (of_its_own and part is self.metric):
                part.learn(feedback)

    def state_dict(self) -> dict[str, Any]:
        """Of every part that has a memory."""
        return {
            field.name: getattr(self, field.name).state_dict()
            for field in fields(self)
            if hasattr(getattr(self, field.name), "state_dict")
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        for name, of_part in state.items():
            getattr(self, name).load_state_dict(of_part)

    def _parts(self) -> tuple[object, ...]:
        return self.source, self.metric, self.selector, self.weighting, self.threshold


@dataclass(frozen=True, slots=True)
class Choosing:
    """One step's choice as its source sees it (core.types.Parts)."""

    method: Method
    model: nn.Module
    n: int
    progress: float
    generator: Generator
    cost: CostMeter

    @property
    def metric(self) -> Metric:
        return self.method.metric

    @property
    def selector(self) -> Selector:
        return self.method.selector

    @property
    def weighting(self) -> Weighting:
        return self.method.weighting

    def score(self, candidates: Batch) -> Tensor:
        with self.cost("score"):
            scores = self.method.score(self.model, candidates)
        self.cost.count_scored(
            len(candidates), self.metric.forward_passes, self.metric.backward_passes
        )
        return scores

    def select(self, candidates: Batch, scores: Tensor) -> Chosen:
        with self.cost("select"):
            # Draws are made where the generator lives: float64 sums do not exist on every device.
            selection = self.selector(scores.to(self.generator.device), self.n, self.generator)
            weights = self.weighting(selection, len(candidates))  # [N]
            device = candidates.y.device
            indices = selection.indices.to(device)
            return Chosen(
                batch=candidates.take(indices),
                weights=None if weights is None else weights.to(device),
                offered=candidates.index,
                loaded=len(candidates),
                selection=selection,
                scores=scores,
            )
