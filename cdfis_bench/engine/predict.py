"""Predicted classes of all samples."""

import torch
from torch import Tensor, nn

from cdfis_bench.core.modes import in_mode
from cdfis_bench.core.types import Samples


@torch.no_grad()
def predictions(model: nn.Module, samples: Samples, chunk_size: int) -> Tensor:
    """Returns the predicted class of every sample [n], int32, in eval mode; modes are restored."""
    rows = torch.arange(len(samples), device=samples.index_device)
    with in_mode(model, train=False):
        parts = [model(samples.batch(part).x).argmax(1).int() for part in rows.split(chunk_size)]
    return torch.cat(parts)
