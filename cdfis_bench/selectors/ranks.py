"""Ranks of scores in which equal scores are equal."""

import torch
from torch import Tensor


def ranks(scores: Tensor) -> Tensor:
    """1 for the lowest score .. K for the highest, [K] float64; equal scores share their mean rank.

    scores: [K] without NaN. A law made of these permutes with the scores, ties included. Takes
    little longer than sorting, also of a million.
    """
    ordered, order = scores.sort()
    k = ordered.shape[0]
    first = torch.arange(k, device=scores.device)
    last = first.clone()
    # Of each run of equal scores: carried on from its first place, and back from its last.
    same = ordered[1:] == ordered[:-1]
    first[1:].masked_fill_(same, 0)
    last[:-1].masked_fill_(same, k)
    mean = (first.cummax(0).values + last.flip(0).cummin(0).values.flip(0)).double() / 2 + 1
    return torch.empty_like(mean).scatter_(0, order, mean)
