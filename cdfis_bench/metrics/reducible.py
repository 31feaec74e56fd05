"""The reducible loss of RHO-LOSS: the loss minus a holdout model's loss."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from cdfis_bench.core.errors import require, require_number
from cdfis_bench.core.parts import Metric
from cdfis_bench.core.types import Batch, HoldoutLosses, Sizes
from cdfis_bench.metrics.loss import Loss

MOST_RUNS = 1e9  # that share the holdout models


def reducible_losses(losses: Tensor, irreducible: Tensor) -> Tensor:
    """L - IL: [K], negative where the network fits a sample better than a holdout model does."""
    return losses - irreducible


class ReducibleLoss(Metric):
    """The loss minus the irreducible loss, that of a network that was not trained on the sample.

    It can be negative: for selectors that rank, or selector=gumbel with form "exp". Before
    `prepare` the irreducible losses are zero.

    Source: Mindermann et al. 2022 (RHO-LOSS), equation 3.
    """

    can_be_negative = True

    def __init__(self, steps: int, amortize: float = 1) -> None:
        """Makes the metric.

        Args:
            steps: Steps of uniform sampling of each of the two holdout models, which are trained on
                one half of the training set and score the other, at the run's expense.
            amortize: Number of runs that share this expense, 1 or more.
        """
        require(
            isinstance(steps, int) and not isinstance(steps, bool) and steps >= 1,
            f"metric.steps={steps!r} must be a whole number of steps, 1 or more",
        )
        self.steps = steps
        self.amortize = require_number("metric.amortize", amortize, 1, MOST_RUNS)
        self._irreducible = torch.empty(0)
        self._loss = Loss()

    def setup(self, sizes: Sizes) -> None:
        """Starts without irreducible losses."""
        self._irreducible = torch.zeros(sizes.train_size, device=sizes.device)

    def prepare(self, holdout: HoldoutLosses) -> None:
        """Trains the two holdout models and stores their losses [n]."""
        self._irreducible = holdout.cross_fitted_losses(self.steps, self.amortize)

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """Returns scores [K], float32 (float64 for a float64 network), without a graph."""
        losses = self._loss(model, batch)
        irreducible = self._irreducible.index_select(0, batch.index)
        return reducible_losses(losses, irreducible.to(losses.dtype))

    def state_dict(self) -> dict[str, Any]:
        """The irreducible losses."""
        return {"irreducible": self._irreducible}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues with the stored losses."""
        self._irreducible = state["irreducible"].to(self._irreducible.device)
