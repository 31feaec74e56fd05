"""A queue that accepted candidates wait in until they fill a mini-batch."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from cdfis_bench.core.errors import require
from cdfis_bench.core.types import Chosen, Parts, Samples
from cdfis_bench.sources.shuffled import ShuffledRows

PATIENCE = 100  # candidate batches without a single one accepted, until it takes them all


class QueueSource:
    """Candidates are scored, batch after batch, until N were accepted; the rest waits.

    The selector decides how many of a batch it accepts (variable_size). Nothing is forgotten: an
    accepted sample is trained on, by then perhaps with a newer network than it was scored with.
    If PATIENCE batches in a row yield nothing, the next one is accepted as it is, so that a run
    cannot hang.
    Source: Jiang et al. 2019 (Selective-Backprop).
    """

    kind = "stream"

    def __init__(self, samples: Samples, large_batch_size: int, batch_size: int) -> None:
        require(
            large_batch_size <= len(samples),
            f"large_batch_size={large_batch_size} exceeds the training set of {len(samples)} "
            "samples; lower it",
        )
        self._samples = samples
        self._rows = ShuffledRows(len(samples))
        self._k, self._n = large_batch_size, batch_size
        self._waiting: Tensor | None = None  # [m] int64 rows

    def choose(self, selecting: bool, order: Generator, parts: Parts) -> Chosen:
        if not selecting:
            with parts.cost("load"):
                batch = self._samples.batch(self._rows.next(self._n, order))
            return Chosen(batch, offered=batch.index, loaded=len(batch))
        offered: list[Tensor] = []
        while self._waiting is None or len(self._waiting) < self._n:
            offered.append(self._accept_more(order, parts, len(offered) >= PATIENCE))
        with parts.cost("load"):
            rows, self._waiting = self._waiting[: self._n], self._waiting[self._n :]
            batch = self._samples.batch(rows)
        # What fills this mini-batch may have been offered in an earlier step.
        seen = torch.cat(offered) if offered else rows[:0]
        return Chosen(batch, offered=seen, loaded=len(seen) + len(batch))

    def _accept_more(self, order: Generator, parts: Parts, all_of_them: bool) -> Tensor:
        """Scores the next candidates, queues the accepted, returns the rows that were offered."""
        with parts.cost("load"):
            candidates = self._samples.batch(self._rows.next(self._k, order))
        scores = parts.score(candidates)
        with parts.cost("select"):
            selection = parts.selector(scores.to(parts.generator.device), self._n, parts.generator)
            rows = candidates.index
            accepted = rows if all_of_them else rows[selection.indices.to(rows.device)]
            accepted = accepted.to(order.device)
            queue = [] if self._waiting is None else [self._waiting]
            self._waiting = torch.cat([*queue, accepted])
        return candidates.index

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self._rows.state_dict(), "waiting": self._waiting}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._rows.load_state_dict(state["rows"])
        self._waiting = state["waiting"]
