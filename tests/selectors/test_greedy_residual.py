"""DivBS in Gram form, against Gram-Schmidt on the gradients themselves."""

import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import stream
from cdfis_bench.selectors.greedy_residual import GreedyResidualSelector, greedy_residual


def gradients(k, size, seed=0):
    return torch.randn(k, size, dtype=torch.float64, generator=stream(seed, "gradients"))


def by_gram_schmidt(g, n):
    """(picks, what is left of the mean gradient after each), explicitly."""
    rest, left, picks, norms = g.mean(0), g.clone(), [], []
    for _ in range(n):
        product = (g @ rest).abs()
        product[picks] = -1
        pick = int(product.argmax())
        direction = left[pick] / left[pick].norm()
        rest = rest - (direction @ rest) * direction
        left = left - torch.outer(left @ direction, direction)
        picks.append(pick)
        norms.append(rest.norm().item())
    return picks, norms


@pytest.mark.parametrize("seed", range(5))
def test_picks_are_those_of_gram_schmidt(seed):
    g = gradients(16, 20, seed)
    picks, norms = by_gram_schmidt(g, 10)
    assert greedy_residual(g @ g.T, 10, stream(0, "pick"), False).tolist() == picks
    assert norms == sorted(norms, reverse=True)
    half = (g @ g.T).float()  # as a metric gives it
    assert GreedyResidualSelector()(half, 10, stream(0, "pick")).indices.tolist() == picks


@pytest.mark.parametrize("pick", ["argmax", "sample"])
def test_a_direction_is_taken_once(pick):
    """Two equal gradients and a third at right angles: one of the two, and the third."""
    g = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    generator, selector = stream(0, "pick"), GreedyResidualSelector(pick)
    drawn = [selector(g @ g.T, 2, generator).indices.tolist() for _ in range(200)]
    assert all(2 in picks for picks in drawn)
    firsts = [min(picks) for picks in drawn]
    assert 60 < firsts.count(0) < 140  # equal ones: at random
    if pick == "argmax":
        assert all(picks[1] == 2 for picks in drawn)


def test_random_picks_are_in_proportion_to_the_product_with_the_mean():
    g = gradients(8, 3)
    products = (g @ g.mean(0)).abs()
    generator = stream(0, "first")
    firsts = [int(greedy_residual(g @ g.T, 1, generator, True)) for _ in range(5000)]
    expected = products / products.sum()
    shares = torch.bincount(torch.tensor(firsts), minlength=8) / 5000
    assert ((shares - expected).abs() < 5 * (expected * (1 - expected) / 5000).sqrt()).all()


@pytest.mark.parametrize("pick", ["argmax", "sample"])
def test_the_rest_is_random_when_directions_run_out(pick):
    """Three directions, ten wanted of twelve: all distinct, and no candidate is left out always."""
    g = gradients(12, 3)
    selector, generator = GreedyResidualSelector(pick), stream(0, "rest")
    drawn = [selector((g @ g.T).float(), 10, generator).indices for _ in range(100)]
    assert all(len(picks.unique()) == 10 for picks in drawn)
    filled = torch.bincount(torch.cat([picks[3:] for picks in drawn]), minlength=12)
    assert (filled > 0).sum() >= 9


def test_candidates_without_a_gradient_come_last():
    g = gradients(6, 10)
    g[4:] = 0
    drawn = greedy_residual(g @ g.T, 6, stream(0, "zero"), False).tolist()
    assert set(drawn[4:]) == {4, 5}


def test_picks_follow_a_permutation_of_the_candidates():
    g = gradients(16, 20)
    order = torch.randperm(16, generator=stream(0, "order"))
    plain = greedy_residual(g @ g.T, 8, stream(1, "pick"), False)
    permuted = greedy_residual(g[order] @ g[order].T, 8, stream(2, "pick"), False)
    assert torch.equal(order[permuted], plain)


def test_products_that_are_all_zero_or_broken_are_uniform_and_flagged():
    for gram in (torch.zeros(8, 8), torch.full((8, 8), torch.nan)):
        generator = stream(0, "bad")
        selections = [GreedyResidualSelector()(gram, 2, generator) for _ in range(800)]
        assert all(selection.fallback for selection in selections)
        counts = torch.bincount(torch.cat([s.indices for s in selections]), minlength=8)
        assert ((counts - 200).abs() < 5 * (1600 * 0.125 * 0.875) ** 0.5).all()


def test_an_unknown_pick_is_refused():
    with pytest.raises(UserError, match=r"selector\.pick='best'"):
        GreedyResidualSelector("best")
