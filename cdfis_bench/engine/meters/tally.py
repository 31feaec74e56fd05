"""Means over the steps between two evaluations, summed on the device."""

from typing import Any

import torch
from torch import Tensor


class Tally:
    """Sums of numbers of many steps, kept on the device and read only when a row is written."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, name: str, value: Tensor) -> None:
        """Adds `value`, [] of any dtype."""
        if name in self._sums:
            self._sums[name] = self._sums[name] + value
            self._counts[name] += 1
        else:
            # MPS has no float64.
            dtype = torch.float32 if value.device.type == "mps" else torch.float64
            self._sums[name] = value.to(dtype)
            self._counts[name] = 1

    def mean(self, name: str) -> float | None:
        """Mean of the values since the last reset; None if there are none."""
        return self._sums[name].item() / self._counts[name] if name in self._sums else None

    def total(self, name: str) -> float:
        """Sum of the values since the last reset; 0 if there are none."""
        return self._sums[name].item() if name in self._sums else 0.0

    def reset(self, *names: str) -> None:
        """Starts these names anew."""
        for name in names:
            self._sums.pop(name, None)
            self._counts.pop(name, None)

    def state_dict(self) -> dict[str, Any]:
        """All sums and counts."""
        return {"sums": dict(self._sums), "counts": dict(self._counts)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues from the stored sums."""
        self._sums, self._counts = dict(state["sums"]), dict(state["counts"])
