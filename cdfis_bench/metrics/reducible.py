"""The reducible loss: what a sample could still teach, noise left out."""

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from cdfis_bench.core.errors import require
from cdfis_bench.core.types import Batch, Scale
from cdfis_bench.metrics.loss import Loss


class Side(Protocol):
    """What trains networks aside (engine.side_training.HoldoutTraining)."""

    def cross_fitted_losses(self, steps: int) -> Tensor: ...


def reducible_losses(losses: Tensor, irreducible: Tensor) -> Tensor:
    """L - IL: [K], negative where the network already fits a sample better than can be learned."""
    return losses - irreducible


class ReducibleLoss:
    """The loss minus what a network that never saw the sample loses on it.

    steps: of uniform sampling, for each of the two networks that are trained on one half of the
    training set and score the other, before the run and at its expense. Signed: for selectors that
    rank, or selector=gumbel with form exp. Without `prepare` nothing is irreducible.
    Source: Mindermann et al. 2022 (RHO-LOSS), equation 3.
    """

    signed = True
    forward_passes = 1
    backward_passes = 0

    def __init__(self, steps: int) -> None:
        require(
            isinstance(steps, int) and not isinstance(steps, bool) and steps >= 1,
            f"metric.steps={steps!r} must be a whole number of steps, 1 or more",
        )
        self.steps = steps
        self._irreducible = torch.empty(0)
        self._loss = Loss()

    def start(self, scale: Scale) -> None:
        self._irreducible = torch.zeros(scale.n_all, device=scale.device)

    def prepare(self, side: Side) -> None:
        """Trains the two networks and keeps their losses, [n]."""
        self._irreducible = side.cross_fitted_losses(self.steps)

    def check(self, model: nn.Module) -> None:
        """Any classifier will do."""

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """Scores [K] float32 (float64 for a float64 network), no graph."""
        losses = self._loss(model, batch)
        irreducible = self._irreducible.index_select(0, batch.index)
        return reducible_losses(losses, irreducible.to(losses.dtype))

    def state_dict(self) -> dict[str, Any]:
        return {"irreducible": self._irreducible}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._irreducible = state["irreducible"].to(self._irreducible.device)
