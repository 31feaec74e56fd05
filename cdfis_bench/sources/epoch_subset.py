"""Leaving samples out, one epoch at a time."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from cdfis_bench.core.context import StepContext
from cdfis_bench.core.errors import require, require_bool, require_number
from cdfis_bench.core.parts import DatasetMetric, ReorderingSource
from cdfis_bench.core.types import MiniBatch, Samples, Selection


class EpochSubsetSource(ReorderingSource):
    """Before every epoch the selector chooses the samples that it goes through, in random order.

    Only samples that are trained on are loaded; scores come from the metric's memory. A rest that
    is too small for a mini-batch is dropped.

    Source: Qin et al. 2024 (InfoBatch: until = 0.875); Okanovic et al. 2023 (RS2: random subsets).
    """

    needs_dataset_metric = True
    accepts_variable_size = True
    selects_without_scores = True

    def __init__(
        self,
        samples: Samples,
        large_batch_size: int,
        batch_size: int,
        share: float = 1.0,
        until: float = 1.0,
        cut_short: bool = False,
    ) -> None:
        """Makes the source.

        Args:
            samples: The training set.
            large_batch_size: Not used.
            batch_size: N.
            share: Share of the training set that the selector is asked for, in (0, 1]; a
                VariableSizeSelector decides itself.
            until: Share of the budget, in [0, 1], after which whole epochs are trained on again.
            cut_short: Whether the epoch under way at that moment ends there. Otherwise it is
                finished first, so that a budget of few epochs may end before any whole one.
        """
        super().__init__(samples, large_batch_size, batch_size)
        self.share = require_number("source.share", share, 0.0, 1.0, open_low=True)
        self.until = require_number("source.until", until, 0.0, 1.0)
        self.cut_short = require_bool("source.cut_short", cut_short)
        self._subset: Tensor | None = None  # [m] int64 rows of this epoch, in order
        self._weights: Tensor | None = None  # [m] float32, of the same
        self._fallback: Tensor | None = None  # [] bool, of this epoch's selection
        self._position = 0

    def mini_batch(self, context: StepContext) -> MiniBatch:
        """The next N samples of this epoch's subset."""
        n = self.batch_size
        if self._subset is None and self.rows.in_epoch(n):
            # The epoch in which the gate opened is finished first.
            batch = self.next_batch(context, n)
            return MiniBatch(batch, offered=batch.index, loaded=len(batch))
        selection = scores = None
        with context.cost("select"):
            # Only epochs that samples were selected for have a fallback flag.
            over = self.cut_short and self._fallback is not None
            over = over and context.progress >= self.until
            if self._subset is None or over or self._position + n > len(self._subset):
                selection, scores = self._new_epoch(context)
            assert self._subset is not None
            here = slice(self._position, self._position + n)
            weights = None if self._weights is None else self._weights[here]
            self._position += n
        batch = context.load(self._subset[here])
        is_new = selection is not None
        if selection is None and self._fallback is not None:
            selection = Selection(self._subset[here], fallback=self._fallback)
        return MiniBatch(
            batch,
            weights,
            loaded=len(batch),
            selection=selection,
            scores=scores,
            is_new_selection=is_new,
        )

    def _new_epoch(self, context: StepContext) -> tuple[Selection | None, Tensor | None]:
        """Selects the samples of the next epoch; returns the selection and its scores [n]."""
        train_size, order = len(self.samples), context.order
        self._position, self._weights, self._fallback = 0, None, None
        shuffled = torch.randperm(train_size, generator=order, device=order.device)
        if context.progress >= self.until:
            self._subset = shuffled
            return None, None
        scores = self._scores(context)
        size = max(self.batch_size, round(self.share * train_size))
        selection = context.select(scores, size)
        weights = context.weight(selection, train_size)
        place = torch.full((train_size,), -1, dtype=torch.int64, device=selection.indices.device)
        place[selection.indices] = torch.arange(len(selection.indices), device=place.device)
        place = place[shuffled.to(place.device)]
        kept = place >= 0
        self._subset = shuffled[kept.to(shuffled.device)]
        self._fallback = selection.fallback
        self._weights = None if weights is None else weights[place[kept].to(weights.device)]
        require(
            len(self._subset) >= self.batch_size,
            f"only {len(self._subset)} samples were left for an epoch, less than batch_size="
            f"{self.batch_size}; lower batch_size or leave out less",
        )
        return selection, scores if context.method.selector.uses_scores else None

    def _scores(self, context: StepContext) -> Tensor:
        """Scores [n] of the whole training set; ones for a selector that ignores them."""
        metric = context.method.metric
        if not context.method.selector.uses_scores:
            return torch.ones(len(self.samples), device=context.draws.device)
        assert isinstance(metric, DatasetMetric), "check_fit comes first"
        return metric.table()

    def state_dict(self) -> dict[str, Any]:
        """The shuffled order, and this epoch's subset."""
        return {
            **super().state_dict(),
            "subset": self._subset,
            "weights": self._weights,
            "fallback": self._fallback,
            "position": self._position,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues within the stored epoch."""
        super().load_state_dict(state)
        self._subset, self._weights = state["subset"], state["weights"]
        self._fallback, self._position = state["fallback"], state["position"]
