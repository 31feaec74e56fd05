"""Reading a step's numbers without making an accelerator wait."""

from collections import deque
from typing import Any

import torch
from torch import Tensor

LAG = 4  # steps; by then the GPU has long been through


class Delayed:
    """Numbers that a step left on the device, as floats, some steps later.

    On a GPU always `LAG` steps later, never "as soon as they are there": when a gate opens must not
    depend on how fast the machine is. On other devices at once.
    """

    def __init__(self, device: torch.device) -> None:
        self._lag = LAG if device.type == "cuda" else 0
        self._waiting: deque[tuple[Tensor, Any, int]] = deque()  # values on the host, event, step

    def put(self, step: int, values: list[Tensor]) -> list[tuple[int, list[float]]]:
        """Takes the values of `step`, each []; returns (step, floats) of those now old enough."""
        if not self._lag:
            return [(step, [value.item() for value in values])]
        on_host = torch.empty(len(values), dtype=torch.float64, pin_memory=True)
        on_host.copy_(torch.stack([value.double() for value in values]), non_blocking=True)
        event = torch.cuda.Event()
        event.record()
        self._waiting.append((on_host, event, step))
        return [self._oldest()] if len(self._waiting) > self._lag else []

    def _oldest(self) -> tuple[int, list[float]]:
        values, event, step = self._waiting.popleft()
        event.synchronize()
        return step, values.tolist()

    def state_dict(self) -> dict[str, Any]:
        """What is still waiting, read now."""
        waiting = []
        for values, event, step in self._waiting:
            event.synchronize()
            waiting.append((step, values.tolist()))
        return {"waiting": waiting}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._waiting.clear()
        for step, values in state["waiting"]:
            event = torch.cuda.Event()
            event.record()
            self._waiting.append((torch.tensor(values, dtype=torch.float64), event, step))
