"""Presampling: candidates are the next samples of a shuffled training set."""

from collections.abc import Mapping
from typing import Any

from torch import Generator

from cdfis_bench.core.errors import require
from cdfis_bench.core.types import Batch, Chosen, Cost, Parts, Samples
from cdfis_bench.sources.shuffled import ShuffledRows


class PresampleSource:
    """The next K samples of the shuffled training set are scored, and n of them selected.

    While the gate is closed, the next N samples are trained on as they come.
    Source: Knutsson et al. 2023, section 4.1.
    """

    kind = "batch"

    def __init__(self, samples: Samples, large_batch_size: int, batch_size: int) -> None:
        require(
            large_batch_size <= len(samples),
            f"large_batch_size={large_batch_size} exceeds the training set of {len(samples)} "
            "samples; lower it",
        )
        self._samples = samples
        self._rows = ShuffledRows(len(samples))
        self._k, self._n = large_batch_size, batch_size

    def choose(self, selecting: bool, order: Generator, parts: Parts) -> Chosen:
        candidates = self.candidates(selecting, order, parts.cost)
        if not selecting:
            return Chosen(candidates, offered=candidates.index, loaded=len(candidates))
        scores = parts.score(candidates)  # [K]
        return parts.select(candidates, scores)

    def candidates(self, selecting: bool, order: Generator, cost: Cost) -> Batch:
        """The next K samples, or N while the gate is closed."""
        with cost("load"):
            rows = self._rows.next(self._k if selecting else self._n, order)
            return self._samples.batch(rows)

    def state_dict(self) -> dict[str, Any]:
        return self._rows.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._rows.load_state_dict(state)
