"""One cycle: a cosine rise, then a cosine fall to almost nothing."""

from cdfis_bench.core.errors import require, require_number
from cdfis_bench.core.schedule import Schedule, cosine


class OneCycleSchedule(Schedule):
    """Rises from 1 / rise to 1 in the first `peak` of the budget, then falls to 1 / fall.

    The learning rate only: momentum stays as it is. The defaults are those of
    torch.optim.lr_scheduler.OneCycleLR, whose final factor is 1 / (25 x 10^4).

    Source: Smith and Topin 2019 (super-convergence).
    """

    def __init__(self, peak: float = 0.3, rise: float = 25.0, fall: float = 2.5e5) -> None:
        """Makes the schedule.

        Args:
            peak: Share of the budget, in (0, 1), at which the factor is 1.
            rise: 1 / factor at the start, 1 or more.
            fall: 1 / factor at the end, 1 or more.
        """
        super().__init__()
        self.peak = require_number("schedule.peak", peak, 0.0, 1.0, open_low=True)
        require(peak < 1, f"schedule.peak={peak} must be below 1, such as 0.3")
        self.rise = require_number("schedule.rise", rise, 1.0, 1e12)
        self.fall = require_number("schedule.fall", fall, 1.0, 1e12)

    def decay(self, progress: float) -> float:
        """Up to 1 at `peak`, then down."""
        if progress < self.peak:
            return cosine(1 / self.rise, 1.0, progress / self.peak)
        return cosine(1.0, 1 / self.fall, (progress - self.peak) / (1 - self.peak))
