"""A fixed number of steps or epochs of uniform sampling first."""

import math
from collections.abc import Mapping
from typing import Any

from cdfis_bench.core.errors import require, require_number
from cdfis_bench.core.parts import Threshold
from cdfis_bench.core.types import Observation, Sizes


class WarmupThreshold(Threshold):
    """Opens after a number of steps or epochs.

    An epoch is n / N steps, rounded up: every sample has then a stored score, but for a rest that
    is too small for a mini-batch.
    """

    needs_loss = False

    def __init__(self, steps: int | None, epochs: float | None) -> None:
        """Makes the threshold; one of steps and epochs is None."""
        require(
            (steps is None) != (epochs is None),
            f"threshold.steps={steps} and threshold.epochs={epochs}: set one of them, the other to "
            "null",
        )
        self.epochs = (
            epochs if epochs is None else require_number("threshold.epochs", epochs, 0.0, math.inf)
        )
        self.steps = (
            steps if steps is None else require_number("threshold.steps", steps, 0, math.inf)
        )
        self._done = 0

    def setup(self, sizes: Sizes) -> None:
        """Turns epochs into steps."""
        if self.epochs is not None:
            self.steps = math.ceil(self.epochs * sizes.train_size / sizes.batch_size)

    @property
    def open(self) -> bool:
        """Whether the steps are over."""
        assert self.steps is not None, "setup() comes first"
        return self._done >= self.steps

    def update(self, observation: Observation) -> None:
        """Counts the step."""
        self._done = observation.step

    def state_dict(self) -> dict[str, Any]:
        """What `open` depends on."""
        return {"done": self._done}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from the stored state."""
        self._done = state["done"]
