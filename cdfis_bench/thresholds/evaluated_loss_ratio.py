"""The start criterion of the authors' code, which looks at the test set."""

from collections.abc import Mapping
from typing import Any

from cdfis_bench.core.errors import require_number
from cdfis_bench.core.types import Observation


class EvaluatedLossRatioThreshold:
    """Opens once the test loss < fraction x its first value (before any step), and stays open.

    It can open at an evaluation only, and test data steer the training: for comparison with the
    authors' code, not for use. fraction: in [0, 1].
    """

    # Paper: the mini-batch's loss (threshold=loss_ratio); their code: a test loss.

    needs_scores = False

    def __init__(self, fraction: float) -> None:
        self.fraction = require_number("threshold.fraction", fraction, 0.0, 1.0)
        self._first: float | None = None
        self._open = False

    @property
    def open(self) -> bool:
        return self._open

    def update(self, observation: Observation) -> None: ...

    def evaluated(self, test_loss: float) -> None:
        """Called after every evaluation; the first sets the reference."""
        if self._first is None:
            self._first = test_loss
        elif test_loss < self.fraction * self._first:
            self._open = True

    def state_dict(self) -> dict[str, Any]:
        return {"first": self._first, "open": self._open}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._first, self._open = state["first"], state["open"]
