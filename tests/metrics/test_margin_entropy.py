"""Margin and entropy against their formulas, and random scores against chance."""

import math

import pytest
import torch
from torch import Tensor, nn

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import drawing_from, stream
from cdfis_bench.core.types import Batch
from cdfis_bench.metrics.entropy import Entropy
from cdfis_bench.metrics.margin import Margin
from cdfis_bench.metrics.random_scores import RandomScores


def batch_of(*chances: tuple[float, ...], y: list[int]) -> Batch:
    """Samples whose logits are the logarithms of these probabilities."""
    x = torch.tensor(chances, dtype=torch.float64).log()
    return Batch(x, torch.tensor(y), torch.arange(len(y)))


def test_margin_is_the_best_wrong_class_minus_the_right_one() -> None:
    batch = batch_of((0.5, 0.3, 0.2), (0.5, 0.3, 0.2), (0.0, 1.0, 0.0), y=[0, 2, 1])
    torch.testing.assert_close(
        Margin()(nn.Identity(), batch), torch.tensor([-0.2, 0.3, -1.0], dtype=torch.float64)
    )


def test_margin_of_a_known_case() -> None:
    logits = torch.tensor([[1.0, 2.0, 3.0]])
    assert Margin().from_logits(logits, torch.tensor([2])).item() == pytest.approx(
        0.24473 - 0.66524, abs=1e-5
    )


def test_margin_of_one_class_is_refused() -> None:
    with pytest.raises(UserError, match="two classes or more"):
        Margin().from_logits(torch.zeros(3, 1), torch.zeros(3).long())


def entropy(*chances: float) -> float:
    return -sum(p * math.log(p) for p in chances if p)


def test_entropy_is_that_of_the_prediction_whatever_the_label() -> None:
    for y in (0, 1):
        batch = batch_of((0.5, 0.3, 0.2), (1 / 3, 1 / 3, 1 / 3), (0.0, 1.0, 0.0), y=[y] * 3)
        expected = [entropy(0.5, 0.3, 0.2), math.log(3), 0.0]
        scores = Entropy()(nn.Identity(), batch)
        torch.testing.assert_close(scores, torch.tensor(expected, dtype=torch.float64))


def test_entropy_stays_finite_and_positive_far_out() -> None:
    logits = torch.tensor([[0.0, -1e4], [-torch.inf, 0.0], [30.0, 0.0]])
    scores = Entropy().from_logits(logits, torch.zeros(3).long())
    assert bool((scores >= 0).all()) and bool(scores.isfinite().all())
    assert scores[2].item() == pytest.approx(31 * math.exp(-30), rel=1e-3)


def random_scores(k: int, seed: int = 0) -> Tensor:
    batch = Batch(torch.zeros(k, 1), torch.zeros(k).long(), torch.arange(k))
    with drawing_from(stream(seed, "noise")):
        return torch.cat([RandomScores()(nn.Identity(), batch) for _ in range(2)])


def test_random_scores_are_new_uniform_and_repeat_with_their_stream() -> None:
    scores = random_scores(50_000)
    assert torch.equal(scores, random_scores(50_000))
    assert not torch.equal(scores[:50_000], scores[50_000:])
    counts = torch.histc(scores, 10, 0, 1)
    assert (counts - 1e4).square().sum().item() / 1e4 < 33.7  # chi-square of 9: 1 in 10,000
