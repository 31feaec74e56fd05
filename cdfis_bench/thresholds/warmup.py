"""Uniform sampling for a fixed while first."""

import math
from collections.abc import Mapping
from typing import Any

from cdfis_bench.core.errors import require, require_number
from cdfis_bench.core.types import Observation, Scale


class WarmupThreshold:
    """Opens after `steps` steps, or after `epochs` passes over the training set (one of the two).

    An epoch is n / N steps, rounded up to whole ones: a memory of every sample is then full, but
    for a rest too small for a mini-batch.
    """

    needs_scores = False

    def __init__(self, steps: int | None, epochs: float | None) -> None:
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

    def start(self, scale: Scale) -> None:
        if self.epochs is not None:
            self.steps = math.ceil(self.epochs * scale.n_all / scale.n)

    @property
    def open(self) -> bool:
        assert self.steps is not None, "start() comes first"
        return self._done >= self.steps

    def update(self, observation: Observation) -> None:
        self._done = observation.step

    def state_dict(self) -> dict[str, Any]:
        return {"done": self._done}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._done = state["done"]
