"""Thresholds that do not look at the training: always open, or never."""

from cdfis_bench.core.errors import require_bool
from cdfis_bench.core.parts import Threshold


class FixedThreshold(Threshold):
    """Open for the whole run (threshold=always) or closed (threshold=never: uniform sampling)."""

    needs_loss = False

    def __init__(self, open: bool) -> None:
        """Makes the threshold; open: whether importance sampling is on."""
        self._open = require_bool("threshold.open", open)

    @property
    def open(self) -> bool:
        """The same in every step."""
        return self._open
