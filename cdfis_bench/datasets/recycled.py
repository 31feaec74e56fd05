"""Memory for large batches that is used again."""

import sys

import numpy as np
import torch
from torch import Tensor

KEPT = 2  # pieces: one being filled while the last batch is still looked at
_UNUSED = 2  # references to a piece that nobody else holds: the list's and getrefcount's own


class Recycled:
    """float32 memory on the CPU, handed out again once no tensor lies on it any more.

    A system hands out new memory page by page, filled with zeros: for 1,024 PCam patches that takes
    three times as long as writing their values. torch.from_numpy holds a reference to the array
    until the last tensor on it, view or not, is gone; that is how a piece is known to be free.
    """

    def __init__(self) -> None:
        self._pieces: list[np.ndarray] = []

    def empty(self, values: int) -> Tensor:
        """[values] float32, not initialised, that shares memory with no tensor in use."""
        for i in range(len(self._pieces)):
            if self._pieces[i].size == values and sys.getrefcount(self._pieces[i]) == _UNUSED:
                return torch.from_numpy(self._pieces[i])
        # From torch, for its alignment.
        self._pieces = [*self._pieces, torch.empty(values).numpy()][-KEPT:]
        return torch.from_numpy(self._pieces[-1])
