"""Random scores: the control that every metric must beat."""

import torch
from torch import Tensor, nn

from cdfis_bench.core.parts import Metric
from cdfis_bench.core.types import Batch


class RandomScores(Metric):
    """A new uniform number in [0, 1) per candidate and step, without a forward pass.

    Drawn from torch's default generator of the device, as dropout is: in a run that is the noise
    stream, which is saved with the run and affects neither data order nor selection. With
    selector=topk it is uniform sampling that loads K. With selector=cdf it shows the effect of the
    selector itself; that is the "uniform" arm of the authors' code (117.9 of 128 distinct samples).
    """

    forward_passes = 0

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """Returns scores [K], float32."""
        return torch.rand(len(batch), device=batch.y.device)
