"""A queue in which accepted candidates wait until they fill a mini-batch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cdfis_bench.core.context import StepContext
from cdfis_bench.core.parts import ReorderingSource
from cdfis_bench.core.types import MiniBatch, Samples, Selection
from cdfis_bench.sources.presample import require_candidates

PATIENCE = 100  # large batches without a single accepted candidate, until one is accepted whole


@dataclass(frozen=True, slots=True)
class _Accepted:
    """One scored large batch: rows and scores [K], positions of the accepted, their weights."""

    rows: Tensor
    scores: Tensor
    positions: Tensor
    weights: Tensor | None
    fallback: Tensor


class QueueSource(ReorderingSource):
    """Large batches are scored until N candidates were accepted; the rest waits in a queue.

    The selector decides how many candidates of a large batch it accepts (VariableSizeSelector). No
    accepted sample is lost: it is trained on later, perhaps with a newer network than the one that
    scored it, but with the pixels that were scored and the loss weight that it was given when it
    was accepted. If PATIENCE large batches in a row yield nothing, the next one is accepted whole,
    so that a run cannot hang.

    Source: Jiang et al. 2019 (Selective-Backprop).
    """

    needs_variable_size = True
    accepts_variable_size = True

    def __init__(self, samples: Samples, large_batch_size: int, batch_size: int) -> None:
        """Raises UserError if the training set has less than K samples."""
        super().__init__(samples, large_batch_size, batch_size)
        require_candidates(large_batch_size, samples)
        self._rows: Tensor | None = None  # [m] int64, waiting
        self._weights: Tensor | None = None  # [m] float32, of the same; None: ones
        self._draws: Tensor | None = None  # [m, P] float32, behind their augmented pixels

    def mini_batch(self, context: StepContext) -> MiniBatch:
        """The first N of the queue, which is filled until it holds as many."""
        scored: list[_Accepted] = []
        while self._rows is None or len(self._rows) < self.batch_size:
            scored.append(self._accept(context, whole=len(scored) >= PATIENCE))
        with context.cost("load"):
            n = self.batch_size
            rows, self._rows = self._rows[:n], self._rows[n:]
            weights = None
            if self._weights is not None:
                weights, self._weights = self._weights[:n], self._weights[n:]
            draws = None
            if self._draws is not None:
                draws, self._draws = self._draws[:n], self._draws[n:]
        batch = context.load(rows, draws)
        if not scored:
            return MiniBatch(batch, weights, offered=rows[:0], loaded=len(batch))
        # Samples of this mini-batch may have been offered, and scored, in an earlier step.
        offered = torch.cat([one.rows for one in scored])
        return MiniBatch(
            batch,
            weights,
            offered=offered,
            loaded=len(offered) + len(batch),
            selection=_merged(scored),
            scores=torch.cat([one.scores for one in scored]),
            is_new_selection=True,
        )

    def _accept(self, context: StepContext, whole: bool) -> _Accepted:
        """Scores the next large batch and queues what the selector accepts, or all of it."""
        candidates = self.next_batch(context, self.large_batch_size)
        scores = context.score(candidates)
        with context.cost("select"):
            selection = context.select(scores)
            rows = candidates.index
            positions = selection.indices.to(rows.device)
            weights = context.weight(selection, len(candidates))
            if whole:
                positions = torch.arange(len(rows), device=rows.device)
                weights = None if weights is None else torch.ones_like(scores)
            draws = None if candidates.draws is None else candidates.draws[positions]
            self._enqueue(rows[positions].to(context.order.device), weights, draws)
        return _Accepted(rows, scores, positions, weights, selection.fallback)

    def _enqueue(self, rows: Tensor, weights: Tensor | None, draws: Tensor | None) -> None:
        self._rows = _appended(self._rows, rows)
        self._weights = _appended(self._weights, weights)
        self._draws = _appended(self._draws, draws)

    def state_dict(self) -> dict[str, Any]:
        """The shuffled order and the queue."""
        own = {"queue": self._rows, "weights": self._weights, "draws": self._draws}
        return {**super().state_dict(), **own}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues with the stored queue."""
        super().load_state_dict(state)
        self._rows, self._weights = state["queue"], state["weights"]
        self._draws = state.get("draws")  # not in states of earlier versions


def _appended(queue: Tensor | None, more: Tensor | None) -> Tensor | None:
    """The rows of both; None stands for no tensor at all."""
    if queue is None or more is None:
        return more if queue is None else queue
    return torch.cat([queue, more])


def _merged(scored: list[_Accepted]) -> Selection:
    """The accepted of several large batches, as positions in all of their scores."""
    starts = range(0, len(scored) * len(scored[0].rows), len(scored[0].rows))
    positions = [one.positions + start for one, start in zip(scored, starts, strict=True)]
    return Selection(
        torch.cat(positions),
        fallback=torch.stack([one.fallback for one in scored]).any(),
    )
