"""Presampling: candidates are the next samples of a shuffled training set."""

from collections.abc import Mapping
from typing import Any

from torch import Generator

from cdfis_bench.core.errors import require
from cdfis_bench.core.types import Chosen, Parts, Samples
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
        with parts.cost("load"):
            rows = self._rows.next(self._k if selecting else self._n, order)
            candidates = self._samples.batch(rows)  # [K], or [N] while closed
        if not selecting:
            return Chosen(candidates, offered=candidates.index, loaded=len(candidates))
        scores = parts.score(candidates)  # [K]
        return parts.select(candidates, scores)

    def state_dict(self) -> dict[str, Any]:
        return self._rows.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._rows.load_state_dict(state)
