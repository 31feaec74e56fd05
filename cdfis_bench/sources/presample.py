"""Presampling: candidates are the next samples of a shuffled training set."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from cdfis_bench.core.errors import require
from cdfis_bench.core.types import Batch, Samples


class PresampleSource:
    """The next N samples of the shuffled training set while closed, the next K while open.

    Every epoch is a new permutation. A rest that is too small for the next batch is dropped, so
    that all batches of one kind have the same size and no sample is offered twice in one batch.
    While closed the order depends on the seed alone: all arms of a seed train on the same samples.
    """

    def __init__(self, samples: Samples, large_batch_size: int, batch_size: int) -> None:
        require(
            large_batch_size <= len(samples),
            f"large_batch_size={large_batch_size} exceeds the training set of {len(samples)} "
            "samples; lower it",
        )
        self._samples = samples
        self._k, self._n = large_batch_size, batch_size
        self._order: Tensor | None = None  # [n] int64, the current epoch
        self._position = 0

    def next(self, open: bool, generator: Generator) -> Batch:
        size = self._k if open else self._n
        if self._order is None or self._position + size > len(self._order):
            self._order = torch.randperm(
                len(self._samples), generator=generator, device=generator.device
            )
            self._position = 0
        index = self._order[self._position : self._position + size]
        self._position += size
        return self._samples.batch(index)

    def state_dict(self) -> dict[str, Any]:
        return {"order": self._order, "position": self._position}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._order, self._position = state["order"], state["position"]
