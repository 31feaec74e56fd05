"""The paper's start criterion: the loss has fallen below a fraction of its first value."""

from collections.abc import Mapping
from typing import Any

from cdfis_bench.core.errors import require_number
from cdfis_bench.core.types import Observation


class LossRatioThreshold:
    """Opens once the mini-batch's mean loss < fraction x the first mini-batch's, and stays open.

    It latches, because hard samples raise the mini-batch loss as soon as they are preferred (paper
    figure 2).
    fraction: in [0, 1]; 0 never opens, which makes the arm uniform sampling.
    Source: Knutsson et al. 2023, section 4.2.
    """

    needs_scores = False

    def __init__(self, fraction: float) -> None:
        self.fraction = require_number("threshold.fraction", fraction, 0.0, 1.0)
        self._first_loss: float | None = None
        self._open = False

    @property
    def open(self) -> bool:
        return self._open

    def update(self, observation: Observation) -> None:
        """The first observation sets the reference; later ones are compared with it."""
        if self._first_loss is None:
            self._first_loss = observation.mean_loss
        elif observation.mean_loss < self.fraction * self._first_loss:
            self._open = True

    def state_dict(self) -> dict[str, Any]:
        return {"first_loss": self._first_loss, "open": self._open}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._first_loss, self._open = state["first_loss"], state["open"]
