"""Ranks of scores; ties share their mean rank."""

import torch
from torch import Tensor


def ranks(scores: Tensor) -> Tensor:
    """Ranks [K], float64, from 1 for the lowest score to K; equal scores share their mean rank.

    A distribution made of these permutes with the scores, ties included. Takes little longer than
    sorting, also for a million scores.

    Args:
        scores: [K], without NaN.
    """
    ordered, order = scores.sort()
    k = ordered.shape[0]
    first = torch.arange(k, device=scores.device)
    last = first.clone()
    # Of each run of equal scores: its first place is carried forward, its last one back.
    same = ordered[1:] == ordered[:-1]
    first[1:].masked_fill_(same, 0)
    last[:-1].masked_fill_(same, k)
    mean = (first.cummax(0).values + last.flip(0).cummin(0).values.flip(0)).double() / 2 + 1
    return torch.empty_like(mean).scatter_(0, order, mean)
