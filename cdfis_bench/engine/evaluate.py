"""Evaluation on the whole test set."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from cdfis_bench.core.modes import in_mode
from cdfis_bench.core.types import Samples


@torch.no_grad()
def evaluate(model: nn.Module, samples: Samples, chunk_size: int) -> tuple[float, float]:
    """Returns mean loss and accuracy (a fraction) over all samples; modes are restored.

    Args:
        model: Evaluated in eval mode.
        samples: All of them count.
        chunk_size: Samples per forward pass.
    """
    rows = torch.arange(len(samples), device=samples.index_device)
    loss = torch.zeros((), dtype=_sum_dtype(samples), device=samples.y.device)
    correct = torch.zeros((), dtype=torch.int64, device=samples.y.device)
    with in_mode(model, train=False):
        for part in rows.split(chunk_size):
            batch = samples.batch(part)
            logits: Tensor = model(batch.x)
            loss += cross_entropy(logits, batch.y, reduction="sum")
            correct += (logits.argmax(1) == batch.y).sum()
    return loss.item() / len(samples), correct.item() / len(samples)


def _sum_dtype(samples: Samples) -> torch.dtype:
    """float64 for sums, where the device has it (MPS does not)."""
    return torch.float32 if samples.y.device.type == "mps" else torch.float64
