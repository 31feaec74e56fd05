"""How many uniform samples an unbiased mini-batch is worth."""

from typing import NamedTuple

import torch
from torch import Tensor


class EffectiveSize(NamedTuple):
    """samples: of a uniform mini-batch with the same variance; infinite without any variance.

    efficiency: share of the variance reduction possible by sampling that was had, at most 1; 0 for
    uniform draws, negative for laws worse than these.
    """

    samples: float
    efficiency: float


def effective_size(masses: Tensor, norms: Tensor, mean_square: float, n: int) -> EffectiveSize:
    """Of n independent draws in proportion to `masses` [K], weighted by 1 / (K p): exact, no draws.

    norms: [K] of the candidates' gradients. mean_square: square of their mean gradient's norm, over
    the same weights of the network. Masses of 0 only where the norm is 0. Says nothing of a
    selection without weights, which is biased.
    Source: derived from Kutsuna 2025 (EMAIS), whose moving averages estimate the same.
    """
    p, v = (values.double() / values.double().sum() for values in (masses, norms))
    scale = norms.double().mean().square().item()  # v of mean 1 / K from here on
    k = len(v)
    drawn = torch.where(v > 0, v.square() / p, 0.0).sum().item() * scale - mean_square
    uniform = v.square().sum().item() * k * scale - mean_square
    best = scale - mean_square
    samples = n * uniform / drawn if drawn > 1e-12 * scale else float("inf")
    gain = uniform - best
    return EffectiveSize(samples, (uniform - drawn) / gain if gain > 1e-12 * scale else 0.0)
