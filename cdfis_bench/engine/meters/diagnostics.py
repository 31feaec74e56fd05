"""What the scores and the selection of a step look like."""

import torch
from torch import Tensor

from cdfis_bench.core.types import Chosen

EVERY = 10  # steps between two looks; they cost as much as a twentieth of a Two Circles step
NAMES = ("score_tau", "distinct_share", "score_bias")


def concentration(scores: Tensor) -> Tensor:
    """tau = sqrt(m sum g^2) of the m scores, g = scores / sum: [] float64, 1 .. sqrt(m).

    sqrt(m / effective sample size): 1 for equal scores. Not finite where scores are not, or sum to
    0. Source: Katharopoulos and Fleuret 2018, section 3.3, in the form without cancellation.
    """
    exact = scores.double()
    return exact.square().sum().mul(exact.numel()).sqrt() / exact.sum()


def class_shares(labels: Tensor, selected: Tensor, n_classes: int) -> dict[str, list[float]]:
    """train_class_shares: of each class in the training set; selected_class_shares: in what was
    trained on, from the first step, repeats counted. [n_classes] each, summing to 1.

    labels: [n] int64. selected: [n] times that each sample was trained on.
    """
    every = torch.bincount(labels, minlength=n_classes)
    trained = torch.zeros_like(every).index_add_(0, labels, selected.to(every.dtype))
    return {
        "train_class_shares": (every / every.sum()).tolist(),
        "selected_class_shares": (trained / trained.sum().clamp_min(1)).tolist(),
    }


def look_at(chosen: Chosen) -> dict[str, Tensor]:
    """score_tau, distinct_share and score_bias of a step that selected, each []; {} of another.

    Of scores that compare candidates with each other [K, K]: distinct_share alone.
    score_tau: concentration of the candidates' scores. distinct_share: different samples in the
    mini-batch / N. score_bias: mean score of the selected / mean score of the candidates; for
    metric=loss with unweighted CDF sampling its expectation is tau^2.
    """
    if chosen.selection is None or chosen.scores is None:
        return {}
    scores, indices = chosen.scores, chosen.selection.indices.to(chosen.scores.device)
    seen = torch.zeros(scores.shape[0], device=scores.device).index_fill_(0, indices, 1.0)
    distinct = seen.sum() / indices.shape[0]
    if scores.ndim > 1:
        return {"distinct_share": distinct}
    return {
        "score_tau": concentration(scores),
        "distinct_share": distinct,
        "score_bias": scores.index_select(0, indices).mean() / scores.mean(),
    }
