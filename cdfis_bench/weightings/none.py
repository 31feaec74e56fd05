"""All selected samples count the same: the paper's choice."""

import torch
from torch import Tensor

from cdfis_bench.core.types import Selection


class NoWeighting:
    """Weights of one. The trained loss is then biased towards what the selector prefers; that is the method."""

    needs_probabilities = False

    def __call__(self, selection: Selection, k: int) -> Tensor:
        """k: number of candidates. Returns ones [N] float32."""
        return torch.ones(selection.indices.shape, device=selection.indices.device)
