"""Leaving samples out for an epoch at a time."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from cdfis_bench.core.errors import require, require_number
from cdfis_bench.core.types import Chosen, Parts, Samples
from cdfis_bench.sources.shuffled import ShuffledRows


class EpochSubsetSource:
    """Before every epoch the selector chooses the samples that it goes through, in random order.

    share: of the training set that the selector is asked for (a selector of variable size decides
    itself). until: share of the budget after which whole epochs are trained on again. Nothing is
    loaded but what is trained on; scores come from the metric's memory. A rest that is too small
    for a mini-batch is dropped.
    Source: Qin et al. 2024 (InfoBatch: until = 0.875); Okanovic et al. 2023 (RS2: random subsets).
    """

    kind = "subset"

    def __init__(
        self,
        samples: Samples,
        large_batch_size: int,
        batch_size: int,
        share: float = 1.0,
        until: float = 1.0,
    ) -> None:
        self.share = require_number("source.share", share, 0.0, 1.0, open_low=True)
        self.until = require_number("source.until", until, 0.0, 1.0)
        self._samples = samples
        self._rows = ShuffledRows(len(samples))
        self._n = batch_size
        self._chosen: Tensor | None = None  # [m] int64 rows of this epoch, in order
        self._weights: Tensor | None = None  # [m] float32, of the same
        self._position = 0

    def choose(self, selecting: bool, order: Generator, parts: Parts) -> Chosen:
        if not selecting or (self._chosen is None and self._rows.in_epoch(self._n)):
            # Before the gate opens, and until the end of the epoch in which it did.
            with parts.cost("load"):
                batch = self._samples.batch(self._rows.next(self._n, order))
            return Chosen(batch, offered=batch.index, loaded=len(batch))
        with parts.cost("select"):
            if self._chosen is None or self._position + self._n > len(self._chosen):
                self._new_epoch(order, parts)
            assert self._chosen is not None
            here = slice(self._position, self._position + self._n)
            weights = None if self._weights is None else self._weights[here]
            self._position += self._n
        with parts.cost("load"):
            batch = self._samples.batch(self._chosen[here])
        return Chosen(batch, weights, offered=None, loaded=len(batch))

    def _new_epoch(self, order: Generator, parts: Parts) -> None:
        n_all = len(self._samples)
        self._position, self._weights = 0, None
        shuffled = torch.randperm(n_all, generator=order, device=order.device)
        if parts.progress >= self.until:
            self._chosen = shuffled
            return
        scores = parts.metric.table().to(parts.generator.device)  # type: ignore[attr-defined]
        wanted = max(self._n, round(self.share * n_all))
        selection = parts.selector(scores, wanted, parts.generator)
        weights = parts.weighting(selection, n_all)
        place = torch.full((n_all,), -1, dtype=torch.int64, device=selection.indices.device)
        place[selection.indices] = torch.arange(len(selection.indices), device=place.device)
        place = place[shuffled.to(place.device)]
        kept = place >= 0
        self._chosen = shuffled[kept.to(shuffled.device)]
        self._weights = None if weights is None else weights[place[kept]].to(self._samples.y.device)
        require(
            len(self._chosen) >= self._n,
            f"only {len(self._chosen)} samples were left for an epoch, less than batch_size="
            f"{self._n}; lower batch_size or leave out less",
        )

    def state_dict(self) -> dict[str, Any]:
        return {
            "rows": self._rows.state_dict(),
            "chosen": self._chosen,
            "weights": self._weights,
            "position": self._position,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._rows.load_state_dict(state["rows"])
        self._chosen, self._weights = state["chosen"], state["weights"]
        self._position = state["position"]
