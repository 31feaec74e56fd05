"""Scores without a meaning: the control that every metric must beat."""

import torch
from torch import Tensor, nn

from cdfis_bench.core.types import Batch


class RandomScores:
    """A new uniform number in [0, 1) per candidate and step; costs no forward pass.

    Drawn from torch's default generator of the device, as dropout draws: in a run that is the noise
    stream, which is saved with the run and touches neither data order nor selection.
    With selector=topk: uniform sampling that loads K. With selector=cdf: what the selector itself
    does to training, and the "uniform" arm of the authors' code (117.9 of 128 distinct samples).
    """

    signed = False
    forward_passes = 0
    backward_passes = 0

    def check(self, model: nn.Module) -> None:
        """The network is not asked."""

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """Scores [K] float32."""
        return torch.rand(len(batch), device=batch.y.device)
