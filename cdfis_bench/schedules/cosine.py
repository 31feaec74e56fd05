"""Cosine decay."""

from cdfis_bench.core.errors import require_number
from cdfis_bench.core.schedule import Schedule, cosine


class CosineSchedule(Schedule):
    """Falls along half a cosine wave from 1 to `final` at the end of the budget.

    Source: Loshchilov and Hutter 2017 (SGDR), without restarts.
    """

    def __init__(self, warmup: float = 0.0, final: float = 0.0) -> None:
        """Makes the schedule; final: factor at the end of the budget, in [0, 1]."""
        super().__init__(warmup)
        self.final = require_number("schedule.final", final, 0.0, 1.0)

    def decay(self, progress: float) -> float:
        """From 1 to `final`."""
        return cosine(1.0, self.final, progress)
