"""LH15, AdamBS and RAIS: methods that draw from the whole training set.

Source: Loshchilov and Hutter 2015, equations 1 to 3, and github.com/idiap/importance-sampling,
OnlineBatchSelectionSampler; Liu et al. 2020 and github.com/forestliurui/Adam-with-Bandit-Sampling,
src/samplers.py; Johnson and Guestrin 2018 (no code is public).
"""

import math

import pytest
import torch

from cdfis_bench.core.streams import stream
from cdfis_bench.core.types import Batch, MiniBatch, Selection, Sizes, StepEnd
from cdfis_bench.selectors.bandit import BanditSelector
from cdfis_bench.selectors.rank_exponential import RankExponentialSelector
from cdfis_bench.selectors.robust_linear import RobustLinearSelector, variance_gain
from cdfis_bench.thresholds.warmup import WarmupThreshold
from tests.methods.preset import method_of

CPU = torch.device("cpu")


@pytest.mark.parametrize("preset", ["lh15", "adambs", "rais"])
def test_an_epoch_of_uniform_sampling_comes_first(preset):
    threshold = method_of(preset).threshold
    assert isinstance(threshold, WarmupThreshold)
    threshold.setup(Sizes(60_000, 1024, 128, CPU))
    assert threshold.steps == 469  # of MNIST's 1,000 in docs/results.md


def step_end(progress):
    batch = Batch(torch.zeros(1, 1), torch.zeros(1, dtype=torch.int64), torch.tensor([0]))
    return StepEnd(1, progress, MiniBatch(batch), torch.zeros(1, 2), torch.zeros(1))


@pytest.mark.parametrize("epoch", [0, 1, 5, 10])
def test_lh15_has_the_law_of_the_library_at_every_pressure(epoch):
    """p ~ exp(-ln(s) / n x place), s = s_0 (s_end / s_0)^(epoch / epochs), places from 0."""
    selector = method_of("lh15").selector
    assert isinstance(selector, RankExponentialSelector)
    selector.on_step_end(step_end(epoch / 10))
    losses = torch.rand(1000, generator=stream(0, "losses"))
    law, _ = selector.unnormalized_probabilities(losses)
    s = 100 * math.exp(math.log(1 / 100) / 10) ** epoch
    places = torch.empty(1000, dtype=torch.float64)
    places[losses.argsort(descending=True)] = torch.arange(1000, dtype=torch.float64)
    theirs = (1 / math.exp(math.log(s) / 1000)) ** places
    assert torch.allclose(law / law.sum(), theirs / theirs.sum())


def test_lh15_of_four():
    selector = method_of("lh15", "selector.end_pressure=100").selector
    assert isinstance(selector, RankExponentialSelector)
    law, _ = selector.unnormalized_probabilities(torch.tensor([1.4, 0.3, 0.2, 0.1]))
    assert (law / law.sum()).tolist() == pytest.approx([0.69068, 0.21841, 0.06907, 0.02184], 1e-3)


def test_adambs_raises_what_the_authors_code_raises():
    """Without the shift, as in their code: drawn samples grow with their gradient; others wait."""
    selector = method_of("adambs", "selector.rate=0.1").selector
    assert isinstance(selector, BanditSelector) and selector.shift == "none"
    selector.setup(Sizes(4, 4, 2, CPU))
    selector.update(
        torch.tensor([3, 2]), torch.tensor([1.0, 0.25]).double(), torch.full((2,), 0.25).double()
    )
    p = selector.distribution()
    assert p[3] > p[2] > p[1] == p[0] and p.sum().item() == pytest.approx(1)


@pytest.mark.parametrize("preset", ["adambs", "rais"])
def test_the_weights_undo_the_distribution(preset):
    """E[w g] over one draw of n = 3 is the mean gradient, whatever p: enumerated."""
    weighting, gradients = method_of(preset).weighting, torch.tensor([1.0, -2.0, 7.0])
    p = torch.tensor([0.2, 0.7, 0.1], dtype=torch.float64)
    expected = 0.0
    for row in range(3):
        weights = weighting(Selection(torch.tensor([row]), p), 3)
        assert weights is not None
        expected += p[row].item() * (weights * gradients[row]).item()
    assert expected == pytest.approx(gradients.mean().item(), rel=1e-6)


def test_rais_gain_of_the_oracle_and_its_bounds():
    """Gradients .1 .2 .3 1.4, p ~ g, N = 2: E g_U^2 = .525, E g_R^2 = .25 for one draw, r = 1.55.

    One oracle draw has no variance, so that the mini-batch has the same mean square.
    """
    assert variance_gain(0.525, 0.25, 0.25, 2) == pytest.approx(1.55)
    assert variance_gain(0.525, 0.525, 0.4, 2) == 1
    selector = method_of("rais").selector
    assert isinstance(selector, RobustLinearSelector) and selector.changes_learning_rate
    assert (selector.margin, selector.floor, selector.max_gain) == (1, 0.1, 4)
