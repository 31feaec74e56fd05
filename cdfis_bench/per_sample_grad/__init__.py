"""Exact L2 norms of each sample's loss gradient, for a whole batch at once.

    from cdfis_bench.per_sample_grad import grad_norms

    norms = grad_norms(model, x, y)  # [K]

It needs PyTorch alone: no configuration and no training loop of this package.
"""

from cdfis_bench.per_sample_grad.by_vmap import PerSampleGradError
from cdfis_bench.per_sample_grad.losses import PerSampleLoss, cross_entropy
from cdfis_bench.per_sample_grad.norms import grad_norms, layer_grad_norms

__all__ = [
    "PerSampleGradError",
    "PerSampleLoss",
    "cross_entropy",
    "grad_norms",
    "layer_grad_norms",
]
