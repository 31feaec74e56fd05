"""Learning-rate schedules that follow the share of the budget that is spent."""

import math
from abc import ABC, abstractmethod

from cdfis_bench.core.errors import require, require_number

WARMUP_START = 0.01  # factor of the first step: zero would waste it


class Schedule(ABC):
    """Multiplies the learning rate by a factor of the budget's progress.

    Progress is the share of the budget spent before a step, from 0 to 1, whether the budget is in
    steps, seconds or uniform steps. Every arm therefore decays to the end of its own budget, and a
    resumed run continues with the same rates.
    """

    def __init__(self, warmup: float = 0.0) -> None:
        """Makes the schedule.

        Args:
            warmup: Share of the budget, in [0, 1), in which the factor rises linearly from
                WARMUP_START to 1.
        """
        self.warmup = require_number("schedule.warmup", warmup, 0.0, 1.0)
        require(
            warmup < 1,
            f"schedule.warmup={warmup} leaves nothing of the budget; it must be below 1",
        )

    def factor(self, progress: float) -> float:
        """Returns the factor of the learning rate at a progress from 0 to 1."""
        progress = min(max(progress, 0.0), 1.0)
        if progress < self.warmup:
            return WARMUP_START + (1 - WARMUP_START) * progress / self.warmup
        return self.decay((progress - self.warmup) / (1 - self.warmup))

    @abstractmethod
    def decay(self, progress: float) -> float:
        """Returns the factor after the warm-up; progress from 0 to 1 of what remains."""


def cosine(start: float, end: float, progress: float) -> float:
    """Half a cosine wave from `start` at progress 0 to `end` at progress 1."""
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2
