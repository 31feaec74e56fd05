"""Memory for large batches that is reused."""

import sys

import numpy as np
import torch
from torch import Tensor

KEPT = 2  # pieces: one is filled while the previous batch is still in use
_UNUSED = 2  # references to a piece that is not in use: the list's and getrefcount's own


class Recycled:
    """A pool of float32 memory on the CPU; a piece is reused once no tensor refers to it.

    The system provides new memory page by page, filled with zeros: for 1,024 PCam patches that
    takes three times as long as writing their values. torch.from_numpy holds a reference to the
    array until the last tensor on it, view or not, is gone; that is how a free piece is found.
    """

    def __init__(self) -> None:
        self._pieces: list[np.ndarray] = []

    def empty(self, values: int) -> Tensor:
        """An uninitialized float32 tensor [values] that shares memory with no tensor in use."""
        for i in range(len(self._pieces)):
            if self._pieces[i].size == values and sys.getrefcount(self._pieces[i]) == _UNUSED:
                return torch.from_numpy(self._pieces[i])
        # Allocated by torch for its alignment.
        self._pieces = [*self._pieces, torch.empty(values).numpy()][-KEPT:]
        return torch.from_numpy(self._pieces[-1])
