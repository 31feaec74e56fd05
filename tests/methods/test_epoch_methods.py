"""InfoBatch and RS2: epochs over a part of the training set.

Source: github.com/NUS-HPC-AI-Lab/InfoBatch, infobatch/infobatch.py; Okanovic et al. 2023.
"""

import math

import pytest
import torch

from cdfis_bench.core.streams import stream
from cdfis_bench.engine.loop import train
from cdfis_bench.sources.epoch_subset import EpochSubsetSource
from tests.engine.small import Memory, setup
from tests.methods.preset import method_of


def test_infobatch_leaves_out_and_weights_as_the_authors_code():
    method = method_of("infobatch")
    assert isinstance(method.source, EpochSubsetSource) and method.source.until == 0.875
    scores = torch.rand(1000, generator=stream(0, "scores"))
    below = scores < scores.mean()
    selection = method.selector(scores, 1000, stream(0, "select"))
    weights = method.weighting(selection, 1000)
    assert weights is not None and weights.sum().item() == pytest.approx(1000, rel=1e-5)
    kept = below[selection.indices]
    assert (~kept).sum() == (~below).sum()  # all that are not below the mean
    assert kept.sum().item() in (below.sum() // 2, math.ceil(below.sum() / 2))
    # They round down and weight by 2; rounding at random moves the weight by 1 / kept at most.
    assert (weights[kept] - 2).abs().max() <= 2 / kept.sum() and (weights[~kept] == 1).all()


@pytest.mark.parametrize("epochs", range(1, 201, 7))
def test_the_authors_last_epoch_is_always_a_whole_one(epochs):
    """Their sampler counts one epoch ahead, and stops pruning once the count > 0.875 epochs."""
    whole = [epoch + 1 > 0.875 * epochs for epoch in range(epochs)]
    assert whole[-1]
    assert sum(whole) == epochs - math.floor(0.875 * epochs)


def subsets(monkeypatch, *overrides):
    """(progress, samples) of every epoch of a run of two epochs."""
    begun, begin = [], EpochSubsetSource._new_epoch

    def watched(self, context):
        found = begin(self, context)
        begun.append((context.progress, len(self._subset)))
        return found

    run = setup("method=infobatch", "budget.steps=200", "eval_every=200", *overrides)
    with monkeypatch.context() as patch:
        patch.setattr(EpochSubsetSource, "_new_epoch", watched)
        train(run, Memory())
    return begun[-(len(begun) - begun[::-1].index((0.0, 3000)) + 1) :], len(run.dataset.train)


def test_a_short_budget_ends_before_infobatch_gets_to_whole_epochs(monkeypatch):
    """What the card says of budgets of few epochs: no epoch begins in the last eighth."""
    begun, n = subsets(monkeypatch)
    assert begun[-1][0] < 0.875 and begun[-1][1] < n


def test_cut_short_it_ends_with_whole_epochs_within_any_budget(monkeypatch):
    begun, n = subsets(monkeypatch, "source.cut_short=true")
    progress, size = begun[-1]
    assert size == n and progress == pytest.approx(0.875, abs=1 / 200)


def test_rs2_takes_a_new_tenth_every_epoch():
    method = method_of("rs2")
    assert isinstance(method.source, EpochSubsetSource) and method.source.share == 0.1
    generator = stream(0, "select")
    subsets = [method.selector(torch.ones(1000), 100, generator).indices for _ in range(20)]
    assert all(len(subset.unique()) == 100 for subset in subsets)
    # Independent subsets: 1 - 0.9^20 of all samples are seen, not all after ten epochs.
    seen = len(torch.cat(subsets).unique())
    assert seen == pytest.approx(1000 * (1 - 0.9**20), abs=40)
    assert len(torch.cat(subsets[:10]).unique()) < 800
