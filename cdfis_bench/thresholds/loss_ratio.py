"""The paper's start criterion: the loss has fallen below a fraction of its first value."""

from collections.abc import Mapping
from typing import Any

from cdfis_bench.core.errors import require_number
from cdfis_bench.core.parts import Threshold
from cdfis_bench.core.types import Observation


class LossRatioThreshold(Threshold):
    """Opens once the mini-batch's mean loss < fraction x the first one's, and stays open.

    It stays open because hard samples raise the mini-batch loss as soon as they are preferred
    (paper, figure 2).

    Source: Knutsson et al. 2023, section 4.2.
    """

    def __init__(self, fraction: float) -> None:
        """Makes the threshold; fraction: in [0, 1], where 0 never opens (uniform sampling)."""
        self.fraction = require_number("threshold.fraction", fraction, 0.0, 1.0)
        self._first_loss: float | None = None
        self._open = False

    @property
    def open(self) -> bool:
        """Whether a mini-batch loss has been low enough."""
        return self._open

    def update(self, observation: Observation) -> None:
        """Compares with the first observation, which is the reference."""
        loss = observation.mean_loss
        assert loss is not None, "needs_loss is true"
        if self._first_loss is None:
            self._first_loss = loss
        elif loss < self.fraction * self._first_loss:
            self._open = True

    def state_dict(self) -> dict[str, Any]:
        """The reference, and whether the gate is open."""
        return {"first_loss": self._first_loss, "open": self._open}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from the stored state."""
        self._first_loss, self._open = state["first_loss"], state["open"]
