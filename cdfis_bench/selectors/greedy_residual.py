"""DivBS: samples whose gradients together approximate the candidates' mean gradient."""

import torch
from torch import Generator, Tensor

from cdfis_bench.core.errors import require_choice
from cdfis_bench.core.parts import PairwiseSelector
from cdfis_bench.core.types import Selection
from cdfis_bench.selectors.usable import random_order, uniform_if_unusable

# Squared length of a residual, relative to the gradient's own, that counts as zero: products of
# float32 are no more precise.
TOLERANCE = 1e-5


def greedy_residual(gram: Tensor, n: int, generator: Generator, sample: bool) -> Tensor:
    """The indices [n] of `greedy_residual_and_fill`, without the count."""
    return greedy_residual_and_fill(gram, n, generator, sample)[0]


def greedy_residual_and_fill(
    gram: Tensor, n: int, generator: Generator, sample: bool
) -> tuple[Tensor, Tensor]:
    """Selects n distinct indices greedily.

    Each pick is the candidate whose gradient has the largest inner product |c_i| with the residual
    of the mean gradient; then its direction is projected out of everything. Candidates that add no
    direction, or are orthogonal to the residual, fill up at random when there are no others. Ties
    are broken at random.

    The picks are those of Gram-Schmidt on the gradients themselves, computed as a pivoted Cholesky
    factorization: K n^2 operations, whatever the size of the network.

    Args:
        gram: Inner products of the candidates' gradients [K, K], float64, finite.
        n: Number of picks.
        generator: On the device of `gram`.
        sample: Whether to pick at random in proportion to |c_i| instead of the largest.

    Returns:
        Indices [n], int64, in the order of the picks, and how many of them fill up, [] int64.

    Source: Hong et al. 2024, algorithm 1.
    """
    k = gram.shape[0]
    own = gram.diagonal()
    left = own.clone()  # [K] squared lengths of the residuals
    product = gram.mean(1)  # [K] with the residual of the mean gradient
    nothing = product.abs().max() * TOLERANCE
    directions = gram.new_empty(n, k)  # of every candidate along each picked direction
    order = random_order(k, generator)
    waiting = torch.ones(k, dtype=torch.bool, device=gram.device)
    picked = torch.empty(n, dtype=torch.int64, device=gram.device)
    filled = torch.zeros((), dtype=torch.int64, device=gram.device)
    for place in range(n):
        useful = waiting & (left > TOLERANCE * own) & (product.abs() > nothing)
        if gram.device.type == "cpu" and not useful.any():  # reading is free on a CPU
            picked[place:] = order[waiting[order]][: n - place]
            filled += n - place
            break
        weights = torch.where(useful, product.abs(), 0.0)
        if sample:
            # With no useful candidate left, any waiting one.
            weights = torch.where(useful.any(), weights, waiting.to(gram.dtype))
            pick = weights.multinomial(1, generator=generator).squeeze(0)
        else:
            # Among ties the first in random order.
            pick = order[torch.where(waiting, weights, -1.0)[order].argmax()]
        # Index tensors throughout: reading `pick` would synchronize with an accelerator.
        pick = pick.unsqueeze(0)
        adds = useful.index_select(0, pick)  # a random fill projects nothing out
        filled += 1 - adds.sum()
        length = torch.where(adds, left.index_select(0, pick), 1.0).sqrt()
        along = gram.index_select(0, pick).squeeze(0)
        along = along - directions[:place].index_select(1, pick).squeeze(1) @ directions[:place]
        along = torch.where(adds, along / length, 0.0)
        product = product - along * (product.index_select(0, pick) / length)
        left = left - along.square()
        directions[place] = along
        waiting = waiting.index_fill(0, pick, False)
        picked[place] = pick[0]
    return picked, filled


class GreedyResidualSelector(PairwiseSelector):
    """Selects n distinct of K whose last-layer gradients best span the mean gradient of all K.

    Takes the inner products [K, K] of metric=last_layer_gram instead of scores. Small networks run
    out of directions (two classes on 50 inputs have 51): the rest is then random. Products that are
    not finite, or all zero: that step draws uniformly, and `Selection.fallback` is true.

    Source: Hong et al. 2024 (DivBS).
    """

    def __init__(self, pick: str = "argmax") -> None:
        """Makes the selector.

        Args:
            pick: "argmax": the best next sample (the paper). "sample": at random in proportion,
                never one twice (the authors' code, which does not exclude what it has picked, but
                makes it very unlikely).
        """
        self.pick = require_choice("selector.pick", pick, ("argmax", "sample"))

    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection:
        """Returns n distinct candidates; `scores` are inner products [K, K]."""
        exact = scores.double()
        # Not the sum: the mean gradient may well be 0.
        usable, fallback = uniform_if_unusable(exact, torch.linalg.vector_norm(exact), 0.0)
        # After a fallback all are equal: one direction, the rest is random.
        pick = self.pick == "sample"
        selected, filled = greedy_residual_and_fill(usable, n, generator, pick)
        return Selection(selected, fallback=fallback, random_share=filled / n)
