"""Samples whose gradients together come closest to all candidates' mean gradient: DivBS."""

import torch
from torch import Generator, Tensor

from cdfis_bench.core.errors import require_choice
from cdfis_bench.core.types import Selection
from cdfis_bench.selectors.usable import random_order, uniform_if_unusable

# Squared length of a residual, as a share of the gradient's own, that counts as none: products of
# float32 are no better.
TOLERANCE = 1e-5


def greedy_residual(gram: Tensor, n: int, generator: Generator, sample: bool) -> Tensor:
    """Indices [n] int64, distinct, in the order of picking.

    gram: [K, K] float64, finite: inner products of the candidates' gradients. Each pick is the
    candidate whose gradient has the largest product |c_i| with what is left of the mean gradient
    (sample: one at random in proportion to it); then its direction is taken out of everything.
    Candidates that add no direction, or have no product with the rest, are filled in at random when
    there are no others. Equal ones: at random.
    The same picks as Gram-Schmidt on the gradients themselves, here as a pivoted Cholesky
    factorisation: K n^2 operations, whatever the size of the network.
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
    for place in range(n):
        useful = waiting & (left > TOLERANCE * own) & (product.abs() > nothing)
        if gram.device.type == "cpu" and not useful.any():  # reading costs nothing here
            picked[place:] = order[waiting[order]][: n - place]
            break
        weights = torch.where(useful, product.abs(), 0.0)
        if sample:
            # With nothing useful left, any waiting one.
            weights = torch.where(useful.any(), weights, waiting.to(gram.dtype))
            pick = weights.multinomial(1, generator=generator).squeeze(0)
        else:
            # Of equal ones the first in random order, as for what is filled in.
            pick = order[torch.where(waiting, weights, -1.0)[order].argmax()]
        # Index tensors throughout: reading `pick` would make the host wait for an accelerator.
        pick = pick.unsqueeze(0)
        adds = useful.index_select(0, pick)  # a filled-in sample takes nothing out
        length = torch.where(adds, left.index_select(0, pick), 1.0).sqrt()
        along = gram.index_select(0, pick).squeeze(0)
        along = along - directions[:place].index_select(1, pick).squeeze(1) @ directions[:place]
        along = torch.where(adds, along / length, 0.0)
        product = product - along * (product.index_select(0, pick) / length)
        left = left - along.square()
        directions[place] = along
        waiting = waiting.index_fill(0, pick, False)
        picked[place] = pick[0]
    return picked


class GreedyResidualSelector:
    """n distinct of K whose last-layer gradients span the mean gradient of all K best.

    pick argmax: the best next one (the paper); sample: at random in proportion, never one twice
    (the authors' code, which does not exclude the picked but gives them next to no chance).
    `pairwise`: takes the [K, K] inner products of metric=last_layer_gram, not scores. Small
    networks run out of directions (two classes on 50 inputs have 51): the rest is then random.
    Products that are not finite, or all zero: uniform, and `fallback` says so.
    Source: Hong et al. 2024 (DivBS).
    """

    uses_scores = True
    accepts_signed = True
    known_probabilities = False
    pairwise = True

    def __init__(self, pick: str = "argmax") -> None:
        self.pick = require_choice("selector.pick", pick, ("argmax", "sample"))

    def __call__(self, scores: Tensor, n: int, generator: Generator) -> Selection:
        """scores: [K, K] inner products. Returns n distinct indices."""
        exact = scores.double()
        # Not the sum, which is that of the mean gradient and may well be 0.
        usable, fallback = uniform_if_unusable(exact, torch.linalg.vector_norm(exact), 0.0)
        # All equal after a fallback: one direction, the rest filled in at random.
        return Selection(
            greedy_residual(usable, n, generator, self.pick == "sample"), None, fallback
        )
