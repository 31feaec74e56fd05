"""Reading numbers of a step without synchronizing with an accelerator."""

from collections import deque
from typing import Any, NamedTuple

import torch
from torch import Tensor

LAG = 4  # steps; a GPU has finished a step long before


class StepValues(NamedTuple):
    """Numbers of one step as floats."""

    step: int  # finished steps, from 1
    progress: float  # share of the budget spent before it
    values: list[float]


class LaggedReader:
    """Returns numbers that a step left on the device some steps later.

    On a GPU always `LAG` steps later, never "as soon as they are there": when a gate opens must not
    depend on the speed of the machine. On other devices at once.
    """

    def __init__(self, device: torch.device) -> None:
        """Makes the reader for the device of a run."""
        self._lag = LAG if device.type == "cuda" else 0
        # (step, progress, values on the host, event after the copy)
        self._waiting: deque[tuple[int, float, Tensor, torch.cuda.Event]] = deque()

    def put(self, step: int, progress: float, values: list[Tensor]) -> list[StepValues]:
        """Takes the values of a step, each []; returns those of earlier steps that are due."""
        if not self._lag:
            return [StepValues(step, progress, [value.item() for value in values])]
        on_host = torch.empty(len(values), dtype=torch.float64, pin_memory=True)
        on_host.copy_(torch.stack([value.double() for value in values]), non_blocking=True)
        self._waiting.append((step, progress, on_host, _recorded_event()))
        return [self._oldest()] if len(self._waiting) > self._lag else []

    def flush(self) -> list[StepValues]:
        """Returns the values of all steps that are still waiting, at the end of a run."""
        return [self._oldest() for _ in range(len(self._waiting))]

    def _oldest(self) -> StepValues:
        step, progress, values, event = self._waiting.popleft()
        event.synchronize()
        return StepValues(step, progress, values.tolist())

    def state_dict(self) -> dict[str, Any]:
        """The waiting values, read now."""
        waiting = []
        for step, progress, values, event in self._waiting:
            event.synchronize()
            waiting.append((step, progress, values.tolist()))
        return {"waiting": waiting}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues with the stored values."""
        self._waiting.clear()
        for step, progress, values in state["waiting"]:
            on_host = torch.tensor(values, dtype=torch.float64)
            self._waiting.append((step, progress, on_host, _recorded_event()))


def _recorded_event() -> torch.cuda.Event:
    event = torch.cuda.Event()
    event.record()
    return event
