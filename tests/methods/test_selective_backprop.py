"""Both Selective-Backprops, each against its own code.

Source: github.com/angelajiang/SelectiveBackprop, lib/{calculators,hist,selectors}.py;
github.com/mosaicml/composer, composer/algorithms/selective_backprop/selective_backprop.py.
"""

from collections import deque

import pytest
import torch

from cdfis_bench.core.streams import stream
from cdfis_bench.core.types import Observation
from cdfis_bench.selectors.percentile_bernoulli import PercentileBernoulliSelector, acceptance
from cdfis_bench.selectors.rank_power import RankPowerSelector, percentile_probabilities
from cdfis_bench.thresholds.warmup import WarmupThreshold
from tests.methods.preset import method_of


def test_the_original_has_its_codes_defaults():
    method = method_of("selective_backprop")
    assert isinstance(method.selector, PercentileBernoulliSelector)
    assert (method.selector.beta, method.selector.history) == (3, 1024)
    assert isinstance(method.threshold, WarmupThreshold) and method.threshold.epochs == 1  # primed
    assert not method.scoring.train_mode  # their forward pass is in eval mode


def test_acceptance_is_that_of_a_history_of_the_last_1024_losses():
    """They append the batch first, then count the strictly lower losses, one sample at a time."""
    selector = method_of("selective_backprop").selector
    generator, draws, history = stream(0, "losses"), stream(0, "select"), deque(maxlen=1024)
    twin = stream(0, "select")
    for _ in range(12):
        losses = torch.rand(128, generator=generator).mul(20).floor()  # many equal ones
        history.extend(losses.tolist())
        theirs = [(sum(h < loss for h in history) / len(history)) ** 3 for loss in losses.tolist()]
        recent = torch.tensor(history, dtype=torch.float64)
        assert acceptance(losses.double(), recent, 3.0).tolist() == pytest.approx(theirs)
        u = torch.rand(128, dtype=torch.float64, generator=twin)
        expected = [i for i in range(128) if u[i] < theirs[i]]
        assert selector(losses, 128, draws).indices.tolist() == expected


@pytest.mark.parametrize(
    ("n", "expected"),
    [(2, [0.0625, 0.1875, 0.3125, 0.4375]), (1, [0.00202, 0.05444, 0.25202, 0.69153])],
)
def test_composers_law_at_its_keep(n, expected):
    selector = method_of("sb_composer").selector
    assert isinstance(selector, RankPowerSelector) and selector.power is None
    losses = torch.tensor([0.1, 0.2, 0.3, 1.4])
    law = percentile_probabilities(losses, 4 / n - 1, selector.offset)
    assert (law / law.sum()).tolist() == pytest.approx(expected, abs=1e-5)
    firsts = [int(selector(losses, n, stream(seed, "select")).indices[0]) for seed in range(2000)]
    if n == 1:  # the first of several is not always first in the list
        shares = torch.bincount(torch.tensor(firsts), minlength=4) / 2000
        assert shares.tolist() == pytest.approx(expected, abs=0.035)


def test_composers_window_has_as_many_steps_as_theirs_one_later():
    threshold, total = method_of("sb_composer").threshold, 100
    ours, theirs = [threshold.open], []
    for step in range(1, total):
        threshold.update(Observation(step, step / total, 1.0, None))
        ours.append(threshold.open)
    theirs = [0.5 <= step / total < 0.9 and (step + 1) % 2 != 0 for step in range(total)]
    assert sum(ours) == sum(theirs) == 20 and ours[1:] == theirs[:-1]
