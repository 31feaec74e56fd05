"""Importance sampling for a part of the run only, with breaks: Selective-Backprop in Composer."""

from collections.abc import Mapping
from typing import Any

from cdfis_bench.core.errors import require, require_number
from cdfis_bench.core.types import Observation


class WindowThreshold:
    """Open while start <= share of the budget spent < end, but not in every interrupt-th step.

    interrupt: steps whose number (from 0) it divides are uniform; 2 alternates, None has no breaks.
    The share is that before the step that finished last.
    Source: MosaicML Composer, selective_backprop (0.5, 0.9, 2).
    """

    needs_scores = False

    def __init__(self, start: float, end: float, interrupt: int | None) -> None:
        self.start_share = require_number("threshold.start", start, 0.0, 1.0)
        self.end_share = require_number("threshold.end", end, 0.0, 1.0)
        require(
            start < end,
            f"threshold.start={start} must be below threshold.end={end}, or it never opens",
        )
        require(
            interrupt is None or (type(interrupt) is int and interrupt >= 2),
            f"threshold.interrupt={interrupt!r} must be null or a whole number of steps, 2 or more",
        )
        self.interrupt = interrupt
        self._open = self._is_open(0, 0.0)

    @property
    def open(self) -> bool:
        return self._open

    def update(self, observation: Observation) -> None:
        # The next step's number, from 0, is that of the steps finished.
        self._open = self._is_open(observation.step, observation.progress)

    def _is_open(self, step: int, progress: float) -> bool:
        pausing = self.interrupt is not None and step % self.interrupt == 0
        return self.start_share <= progress < self.end_share and not pausing

    def state_dict(self) -> dict[str, Any]:
        return {"open": self._open}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._open = state["open"]
