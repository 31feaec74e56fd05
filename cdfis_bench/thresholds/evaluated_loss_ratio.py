"""The start criterion of the authors' code, which looks at the test set."""

from collections.abc import Mapping
from typing import Any

from cdfis_bench.core.errors import require_number
from cdfis_bench.core.parts import Threshold


class EvaluatedLossRatioThreshold(Threshold):
    """Opens once the test loss < fraction x its value before the first step, and stays open.

    It can open at an evaluation only, and test data influence the training: for comparison with the
    authors' code, not for use.
    """

    # Paper: the mini-batch's loss (threshold=loss_ratio); their code: a test loss.

    needs_loss = False

    def __init__(self, fraction: float) -> None:
        """Makes the threshold; fraction: in [0, 1]."""
        self.fraction = require_number("threshold.fraction", fraction, 0.0, 1.0)
        self._first: float | None = None
        self._open = False

    @property
    def open(self) -> bool:
        """Whether a test loss has been low enough."""
        return self._open

    def on_evaluation(self, test_loss: float) -> None:
        """Compares with the first evaluation, which is the reference."""
        if self._first is None:
            self._first = test_loss
        elif test_loss < self.fraction * self._first:
            self._open = True

    def state_dict(self) -> dict[str, Any]:
        """The reference, and whether the gate is open."""
        return {"first": self._first, "open": self._open}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from the stored state."""
        self._first, self._open = state["first"], state["open"]
