"""Ranks of scores in which equal scores are equal."""

import torch
from torch import Tensor


def ranks(scores: Tensor) -> Tensor:
    """1 for the lowest score .. K for the highest, [K] float64; equal scores share their mean rank.

    scores: [K] without NaN. A law made of these permutes with the scores, ties included.
    """
    ordered = scores.sort().values
    below = torch.searchsorted(ordered, scores, right=False)
    not_above = torch.searchsorted(ordered, scores, right=True)
    return (below + not_above + 1).to(torch.float64) / 2
