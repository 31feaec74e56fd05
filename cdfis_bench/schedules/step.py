"""Decay in steps."""

from collections.abc import Sequence

from cdfis_bench.core.errors import require, require_number
from cdfis_bench.core.schedule import Schedule


class StepSchedule(Schedule):
    """Multiplies the factor by `gamma` at each milestone."""

    def __init__(
        self, warmup: float = 0.0, milestones: Sequence[float] = (0.5, 0.75), gamma: float = 0.1
    ) -> None:
        """Makes the schedule.

        Args:
            warmup: As in Schedule.
            milestones: Increasing shares, in (0, 1), of the budget after the warm-up.
            gamma: Factor at each milestone, in (0, 1].
        """
        super().__init__(warmup)
        listed = list(milestones)
        self.milestones = [require_number("schedule.milestones", one, 0.0, 1.0) for one in listed]
        require(
            self.milestones == sorted(set(self.milestones)) and 0 < min(listed, default=0.5) < 1,
            f"schedule.milestones={listed} must be increasing shares of the budget above 0",
        )
        self.gamma = require_number("schedule.gamma", gamma, 0.0, 1.0, open_low=True)

    def decay(self, progress: float) -> float:
        """gamma to the power of the milestones that are passed."""
        return self.gamma ** sum(progress >= milestone for milestone in self.milestones)
