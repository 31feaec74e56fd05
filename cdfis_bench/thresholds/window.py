"""Importance sampling in a part of the run, with interruptions, as in Composer."""

from collections.abc import Mapping
from typing import Any

from cdfis_bench.core.errors import require, require_number
from cdfis_bench.core.parts import Threshold
from cdfis_bench.core.types import Observation


class WindowThreshold(Threshold):
    """Open while start <= share of the budget spent < end, except in every interrupt-th step.

    The share is that before the last finished step.

    Source: MosaicML Composer, selective_backprop (0.5, 0.9, 2).
    """

    needs_loss = False

    def __init__(self, start: float, end: float, interrupt: int | None) -> None:
        """Makes the threshold.

        Args:
            start: Share of the budget, in [0, 1].
            end: Share of the budget, above `start`.
            interrupt: Steps whose number (from 0) is a multiple of it are uniform: 2 alternates.
                None: no interruptions.
        """
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
        """Whether the next step lies in the window."""
        return self._open

    def update(self, observation: Observation) -> None:
        """Looks at the budget and at the number of the next step."""
        # The next step's number, from 0, is that of the steps finished.
        self._open = self._is_open(observation.step, observation.progress)

    def _is_open(self, step: int, progress: float) -> bool:
        pausing = self.interrupt is not None and step % self.interrupt == 0
        return self.start_share <= progress < self.end_share and not pausing

    def state_dict(self) -> dict[str, Any]:
        """What `open` depends on."""
        return {"open": self._open}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from the stored state."""
        self._open = state["open"]
