"""The start criterion of Katharopoulos and Fleuret: sampling by scores pays for scoring."""

import math
from collections.abc import Mapping
from typing import Any

from cdfis_bench.core.errors import require_bool, require_number
from cdfis_bench.core.types import Observation, Scale


def break_even(k: int, n: int, backward_cost: float) -> float:
    """(K + (1 + r) N) / ((1 + r) N): what a step that scores costs, in uniform steps.

    backward_cost: r, of a backward pass in forward passes.
    """
    return (k + (1 + backward_cost) * n) / ((1 + backward_cost) * n)


class VarianceReductionThreshold:
    """Open while the moving average of tau is above a level; it closes again when it is not.

    tau is the authors' estimate of how many times larger a uniform mini-batch would have to be to
    have as little variance as one drawn by these scores. level "auto": the break-even.
    momentum: share of the old average kept; it starts at 0, so that a steady tau of 4 passes a
    level of 3.67 at the 24th step only. debias: divides that start out.
    While closed tau is that of the N trained samples, while open that of the K candidates (at most
    sqrt N, sqrt K). A step whose tau is not finite is passed over.
    Source: Katharopoulos and Fleuret 2018, section 3.3, and their library (momentum 0.9).
    """

    needs_scores = True

    def __init__(
        self,
        level: float | str = "auto",
        momentum: float = 0.9,
        backward_cost: float = 2.0,
        debias: bool = False,
    ) -> None:
        self.level = (
            None if level == "auto" else require_number("threshold.level", level, 0.0, math.inf)
        )
        self.momentum = require_number("threshold.momentum", momentum, 0.0, 1.0)
        self.backward_cost = require_number("threshold.backward_cost", backward_cost, 0.0, math.inf)
        self.debias = require_bool("threshold.debias", debias)
        self._average = 0.0
        self._seen = 0

    def start(self, scale: Scale) -> None:
        if self.level is None:
            self.level = break_even(scale.k, scale.n, self.backward_cost)

    @property
    def open(self) -> bool:
        if not self._seen:
            return False
        started = 1 - self.momentum**self._seen if self.debias else 1.0
        assert self.level is not None, "start() comes first"
        return self._average > self.level * started

    def update(self, observation: Observation) -> None:
        tau = observation.tau
        if tau is None or not math.isfinite(tau):
            return
        self._average = self.momentum * self._average + (1 - self.momentum) * tau
        self._seen += 1

    def state_dict(self) -> dict[str, Any]:
        return {"average": self._average, "seen": self._seen}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._average, self._seen = state["average"], state["seen"]
