"""Means over the steps between two evaluations, summed where the numbers are."""

from typing import Any

import torch
from torch import Tensor


class Tally:
    """Sums of numbers that steps leave on the device; read only when a row is written."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, name: str, value: Tensor) -> None:
        """value: [], any dtype."""
        if name in self._sums:
            self._sums[name] = self._sums[name] + value
            self._counts[name] += 1
        else:
            # MPS has no float64.
            wide = torch.float32 if value.device.type == "mps" else torch.float64
            self._sums[name] = value.to(wide)
            self._counts[name] = 1

    def mean(self, name: str) -> float | None:
        """Mean of what was added since the last reset; None if nothing was."""
        return self._sums[name].item() / self._counts[name] if name in self._sums else None

    def total(self, name: str) -> float:
        """Sum of what was added; 0 if nothing was."""
        return self._sums[name].item() if name in self._sums else 0.0

    def reset(self, *names: str) -> None:
        for name in names:
            self._sums.pop(name, None)
            self._counts.pop(name, None)

    def state_dict(self) -> dict[str, Any]:
        return {"sums": dict(self._sums), "counts": dict(self._counts)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._sums, self._counts = dict(state["sums"]), dict(state["counts"])
