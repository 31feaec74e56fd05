"""A constant learning rate, as in the paper."""

from cdfis_bench.core.schedule import Schedule


class ConstantSchedule(Schedule):
    """The configured learning rate, after an optional warm-up.

    Source: Knutsson et al. 2023, section 5.2.
    """

    def decay(self, progress: float) -> float:
        """Always 1."""
        return 1.0
