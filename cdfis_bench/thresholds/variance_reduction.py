"""The start criterion of Katharopoulos and Fleuret: the scores are worth their cost."""

import math
from collections.abc import Mapping
from typing import Any

from cdfis_bench.core.errors import require_bool, require_number
from cdfis_bench.core.parts import Threshold
from cdfis_bench.core.types import Observation, Sizes


def break_even(k: int, n: int, backward_cost: float) -> float:
    """(K + (1 + r) N) / ((1 + r) N): the cost of a step that scores, in uniform steps.

    Args:
        k: Candidates, K.
        n: Samples trained on, N.
        backward_cost: r, of a backward pass in forward passes.
    """
    return (k + (1 + backward_cost) * n) / ((1 + backward_cost) * n)


class VarianceReductionThreshold(Threshold):
    """Open while the moving average of tau is above a level; otherwise it closes again.

    tau is the authors' estimate of how many times larger a uniform mini-batch would have to be to
    have as little variance as one drawn by these scores. While the gate is closed, tau is that of
    the N trained samples, while it is open that of the K candidates (at most sqrt N, sqrt K). A
    step whose tau is not finite is ignored.

    Source: Katharopoulos and Fleuret 2018, section 3.3, and their library (momentum 0.9).
    """

    needs_loss = False
    needs_scores = True

    def __init__(
        self,
        level: float | str = "auto",
        momentum: float = 0.9,
        backward_cost: float = 2.0,
        debias: bool = False,
    ) -> None:
        """Makes the threshold.

        Args:
            level: Of tau; "auto": the break-even of scoring.
            momentum: Share of the old average that is kept. The average starts at 0, so that a
                steady tau of 4 passes a level of 3.67 at the 24th step only.
            backward_cost: Of a backward pass in forward passes, for level "auto".
            debias: Whether to divide out the start at 0.
        """
        self.level = (
            None if level == "auto" else require_number("threshold.level", level, 0.0, math.inf)
        )
        self.momentum = require_number("threshold.momentum", momentum, 0.0, 1.0)
        self.backward_cost = require_number("threshold.backward_cost", backward_cost, 0.0, math.inf)
        self.debias = require_bool("threshold.debias", debias)
        self._average = 0.0
        self._seen = 0

    def setup(self, sizes: Sizes) -> None:
        """Computes the level "auto"."""
        if self.level is None:
            k, n = sizes.large_batch_size, sizes.batch_size
            self.level = break_even(k, n, self.backward_cost)

    @property
    def open(self) -> bool:
        """Whether the average is above the level."""
        if not self._seen:
            return False
        started = 1 - self.momentum**self._seen if self.debias else 1.0
        assert self.level is not None, "setup() comes first"
        return self._average > self.level * started

    def update(self, observation: Observation) -> None:
        """Adds tau to the average."""
        tau = observation.tau
        if tau is None or not math.isfinite(tau):
            return
        self._average = self.momentum * self._average + (1 - self.momentum) * tau
        self._seen += 1

    def state_dict(self) -> dict[str, Any]:
        """What `open` depends on."""
        return {"average": self._average, "seen": self._seen}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from the stored state."""
        self._average, self._seen = state["average"], state["seen"]
