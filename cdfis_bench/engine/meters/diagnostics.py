"""Diagnostics of the scores and the selection of a step."""

import torch
from torch import Tensor

from cdfis_bench.core.types import MiniBatch, ScoreStatistics

EVERY = 10  # steps between two diagnostics, which cost a twentieth of a Two Circles step
NAMES = ("score_tau", "distinct_share", "score_bias")


def selection_diagnostics(mini_batch: MiniBatch) -> dict[str, Tensor]:
    """Returns score_tau, distinct_share and score_bias of a step that selected, each [].

    score_tau is the concentration of the scores that the selection was made from. distinct_share is
    the number of different samples in the mini-batch / N. score_bias is the mean score of the
    selected / the mean of all those scores; for metric=loss with unweighted CDF sampling its
    expectation is tau^2. Empty for a mini-batch in shuffled order; without scores, or with those of
    a pairwise metric [K, K], distinct_share alone.
    """
    selection, scores = mini_batch.selection, mini_batch.scores
    if selection is None:
        return {}
    distinct = {"distinct_share": _distinct_share(mini_batch.batch.index)}
    if scores is None or scores.ndim > 1:
        return distinct
    statistics = mini_batch.score_statistics or ScoreStatistics.of(scores)
    selected = scores.index_select(0, selection.indices.to(scores.device))
    bias = selected.mean() / statistics.mean
    return {"score_tau": statistics.tau, **distinct, "score_bias": bias}


def _distinct_share(rows: Tensor) -> Tensor:
    """Different ones of the rows [N] / N. Sorted, because `unique` synchronizes with a GPU."""
    ordered = rows.sort().values
    return (1 + (ordered[1:] != ordered[:-1]).sum()) / rows.shape[0]


def class_shares(labels: Tensor, selected: Tensor, n_classes: int) -> dict[str, list[float]]:
    """Returns the share of each class in the training set, and in what was trained on.

    Args:
        labels: Of the training set [n], int64.
        selected: How often each sample was trained on, from the first step, repeats included [n].
        n_classes: Number of classes.

    Returns:
        train_class_shares and selected_class_shares, [n_classes] each, summing to 1.
    """
    every = torch.bincount(labels, minlength=n_classes)
    trained = torch.zeros_like(every).index_add_(0, labels, selected.to(every.dtype))
    return {
        "train_class_shares": (every / every.sum()).tolist(),
        "selected_class_shares": (trained / trained.sum().clamp_min(1)).tolist(),
    }
