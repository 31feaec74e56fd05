"""Linear decay."""

from cdfis_bench.core.errors import require_number
from cdfis_bench.core.schedule import Schedule


class LinearSchedule(Schedule):
    """Falls linearly from 1 to `final` at the end of the budget."""

    def __init__(self, warmup: float = 0.0, final: float = 0.0) -> None:
        """Makes the schedule; final: factor at the end of the budget, in [0, 1]."""
        super().__init__(warmup)
        self.final = require_number("schedule.final", final, 0.0, 1.0)

    def decay(self, progress: float) -> float:
        """From 1 to `final`."""
        return 1.0 + (self.final - 1.0) * progress
