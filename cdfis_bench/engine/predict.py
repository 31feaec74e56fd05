"""What the network says of every sample."""

import torch
from torch import Tensor, nn

from cdfis_bench.core.modes import in_mode
from cdfis_bench.core.types import Samples


@torch.no_grad()
def predictions(model: nn.Module, samples: Samples, chunk_size: int) -> Tensor:
    """Predicted class [n] int32 of all `samples`, in eval mode; modes are restored."""
    rows = torch.arange(len(samples), device=samples.index_device)
    with in_mode(model, train=False):
        parts = [model(samples.batch(part).x).argmax(1).int() for part in rows.split(chunk_size)]
    return torch.cat(parts)
