"""The shuffled order of a training set."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor


class ShuffledRows:
    """The rows of a training set, every epoch in a new random order.

    A rest that is too small for the next batch is dropped, so that no batch contains a sample
    twice. As long as all batches have one size, the order depends on the generator alone: all arms
    of a seed train on the same samples until their gates open.
    """

    def __init__(self, n: int) -> None:
        self._n = n
        self._order: Tensor | None = None  # [n] int64, the current epoch
        self._position = 0

    def next(self, size: int, generator: Generator) -> Tensor:
        """Returns the next `size` (1..n) rows, int64, distinct, on the generator's device."""
        if not self.in_epoch(size):
            self._order = torch.randperm(self._n, generator=generator, device=generator.device)
            self._position = 0
        assert self._order is not None
        rows = self._order[self._position : self._position + size]
        self._position += size
        return rows

    def in_epoch(self, size: int) -> bool:
        """Whether `size` rows of the current epoch are left."""
        return self._order is not None and self._position + size <= self._n

    def state_dict(self) -> dict[str, Any]:
        """The current epoch and the position in it."""
        return {"order": self._order, "position": self._position}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues at the stored position."""
        self._order, self._position = state["order"], state["position"]
