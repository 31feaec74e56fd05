"""The bandit's distribution: projection, one update by hand, and where it goes in the end."""

import math

import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import stream
from cdfis_bench.core.types import Sizes
from cdfis_bench.selectors.bandit import BanditSelector, projected

NORMS = torch.tensor([0.1, 0.2, 0.3, 1.4], dtype=torch.float64)
ANY = torch.zeros(4)
EVEN = torch.full((4,), 0.25, dtype=torch.float64)


def bandit(n_all=4, n=2, **values):
    selector = BanditSelector(**values)
    selector.setup(Sizes(n_all, n_all, n, torch.device("cpu")))
    return selector


def test_projection_of_a_known_case():
    p = projected(torch.tensor([0.7, 0.299, 0.001]).double().log(), 0.05)
    assert p.tolist() == pytest.approx([0.665666, 0.284334, 0.05], abs=1e-6)


def test_projection_keeps_the_floor_the_sum_and_the_ratios_of_the_rest():
    logs = 20 * torch.randn(1000, dtype=torch.float64, generator=stream(0, "logs"))
    p = projected(logs, 0.1 / 1000)
    assert p.sum().item() == pytest.approx(1)
    assert p.min().item() == pytest.approx(0.1 / 1000)
    free = p > 0.1001 / 1000
    assert 1 < free.sum() < 1000
    ratios = p[free].log() - logs[free]
    assert (ratios - ratios.mean()).abs().max() < 1e-9
    assert projected(logs, 1 / 1000).tolist() == pytest.approx([1 / 1000] * 1000)


@pytest.mark.parametrize("shift", ["paper", "none"])
def test_one_update_by_hand(shift):
    """p_min = 1/8; one sample of reward 0.6 is drawn twice, one of reward 0 once."""
    selector = bandit(floor=0.5, rate=2.0, shift=shift, max_step=100)
    rows = torch.tensor([1, 1, 2])
    selector.update(rows, torch.tensor([0.6, 0.6, 0.0]).double(), EVEN[:3])
    weights, least, a = [], 1 / 8, 2 * (1 / 8) ** 3
    for reward, count in [(0, 0), (0.6, 2), (0, 1), (0, 0)]:
        loss = -reward / 0.25**2 + (1 / least**2 if shift == "paper" else 0)
        weights.append(0.25 * math.exp(-a * loss * count / (3 * 0.25)))
    expected = [weight / sum(weights) for weight in weights]
    assert selector.distribution().tolist() == pytest.approx(expected)
    undrawn = selector.distribution()
    assert undrawn[0].item() == pytest.approx(undrawn[3].item())


def test_equal_rewards_of_all_leave_the_distribution_uniform():
    selector = bandit()
    for _ in range(5):
        selector.update(torch.arange(4), torch.full((4,), 0.3).double(), EVEN)
        assert selector.distribution().tolist() == pytest.approx([0.25] * 4)


def test_the_distribution_goes_to_the_gradient_norms():
    """The distribution of least variance is proportional to the norms: the updates' fixed point."""
    selector = bandit(rate=60.0, max_step=0.3)
    rewards, generator = (NORMS / NORMS.max()).square(), stream(0, "draws")
    found = []
    for step in range(2500):
        selection = selector(ANY, 2, generator)
        selector.update(
            selection.indices, rewards[selection.indices], selection.selected_probabilities
        )
        found += [selection.probabilities] if step >= 1000 else []
    mean = torch.stack(found).mean(0)
    assert mean.tolist() == pytest.approx((NORMS / NORMS.sum()).tolist(), abs=0.03)


@pytest.mark.parametrize("shift", ["paper", "none"])
def test_updates_are_exact_in_the_mean(shift):
    """Over the draws of N = 1: ln p moves by -a l, whatever distribution was drawn from."""
    p = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    rewards = (NORMS / NORMS.max()).square()
    moved = torch.zeros(4, dtype=torch.float64)
    for j in range(4):
        selector = bandit(floor=0.2, rate=3.0, shift=shift, max_step=100)
        selector.load_state_dict(
            selector.state_dict() | {"probabilities": p, "logarithms": p.log()}
        )
        one = torch.tensor([j])
        selector.update(one, rewards[one], p[one])
        moved += p[j] * (selector.state_dict()["logarithms"] - p.log())
    least = 0.2 / 4
    losses = -rewards / p.square() + (1 / least**2 if shift == "paper" else 0)
    assert moved.tolist() == pytest.approx((-3 * least**3 * losses).tolist())


@pytest.mark.parametrize("values", [{"floor": 0}, {"floor": 2}, {"rate": -1}, {"shift": "both"}])
def test_impossible_values_are_refused(values):
    with pytest.raises(UserError, match=r"selector\."):
        BanditSelector(**values)
