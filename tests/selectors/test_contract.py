"""What every selector YAML keeps, ours or a guest's."""

import copy

import pytest
import torch
from omegaconf import OmegaConf
from scipy.stats import chisquare

from cdfis_bench.config.build import make
from cdfis_bench.config.where import conf_dir
from cdfis_bench.core.parts import (
    IndependentSelector,
    PairwiseSelector,
    Part,
    VariableSizeSelector,
    WholeDatasetSelector,
)
from cdfis_bench.core.streams import stream
from cdfis_bench.core.types import Batch, MiniBatch, Sizes, StepEnd

YAMLS = sorted((conf_dir() / "selector").glob("*.yaml"))
CPU = torch.device("cpu")


@pytest.fixture(params=YAMLS, ids=lambda path: path.stem)
def new(request):
    """Makes the selector for k candidates; each time without a memory."""

    def made(k):
        selector = make("selector", OmegaConf.to_container(OmegaConf.load(request.param)))
        selector.setup(Sizes(k, k, 16, CPU))
        return selector

    return made


def scores_for(selector, k, seed=0):
    """Scores [k], or inner products [k, k] of more directions than any test draws."""
    if isinstance(selector, PairwiseSelector):
        gradients = torch.randn(k, k, generator=stream(seed, "gradients"))
        return gradients @ gradients.T
    return torch.rand(k, generator=stream(seed, "scores"))


def repeats(selector):
    """Whether a sample may be drawn twice."""
    independent = isinstance(selector, IndependentSelector) and selector.replacement
    return independent or isinstance(selector, WholeDatasetSelector)


def taught(selector, k):
    """The same after it has seen ten mini-batches, if it learns."""
    for step in range(10):
        rows = torch.randperm(k, generator=stream(step, "rows"))[:16]
        logits = torch.randn(16, 3, generator=stream(step, "logits")) * (1 + rows[:, None] / k)
        batch = Batch(torch.zeros(16, 1), rows % 3, rows)
        losses = torch.nn.functional.cross_entropy(logits, batch.y, reduction="none")
        selector.on_step_end(StepEnd(step + 1, step / 20, MiniBatch(batch), logits, losses))
    return selector


@pytest.mark.parametrize("n", [1, 128, 256])
def test_exactly_n_valid_indices(new, n):
    selector = new(256)
    selection = selector(scores_for(selector, 256), n, stream(1, "select"))
    if isinstance(selector, VariableSizeSelector):
        n = len(selection.indices)
        assert 0 < n < 256
    assert selection.indices.shape == (n,)
    assert selection.indices.dtype == torch.int64
    assert 0 <= selection.indices.min() and selection.indices.max() < 256
    assert selection.fallback.dtype == torch.bool and not selection.fallback


def test_scores_are_left_alone_and_repeats_are_equal(new):
    scores = scores_for(new(64), 64)
    before = scores.clone()
    first, second = (taught(new(64), 64)(scores, 16, stream(1, "select")) for _ in range(2))
    assert torch.equal(first.indices, second.indices) and torch.equal(scores, before)


def test_known_probabilities_are_those_of_the_draws(new):
    """Chi-square over 100,000 draws; fails one correct selector in 10,000."""
    selector = taught(new(64), 64)
    scores = scores_for(selector, 64)
    if selector.uses_scores and not repeats(selector):
        assert selector(scores, 16, stream(1, "select")).probabilities is None
        return
    selection = selector(scores, 16, stream(1, "select"))
    assert selection.probabilities.dtype == torch.float64
    assert abs(selection.probabilities.sum().item() - 1) < 1e-12
    if isinstance(selector, IndependentSelector):
        unnormalized, fallback = selector.unnormalized_probabilities(scores)
        torch.testing.assert_close(unnormalized, selection.unnormalized_probabilities)
        assert not fallback
    if repeats(selector):
        drawn = selector(scores, 100_000, stream(2, "select")).indices
        expected = 100_000 * selection.probabilities
        assert chisquare(torch.bincount(drawn, minlength=64), expected).pvalue > 1e-4


def test_choosing_all_without_repeats_chooses_everyone(new):
    selector = new(32)
    if repeats(selector) or isinstance(selector, VariableSizeSelector):
        return
    same = torch.ones((32, 32) if isinstance(selector, PairwiseSelector) else 32)
    for scores in (scores_for(selector, 32), same):
        indices = selector(scores, 32, stream(0, "all")).indices
        assert sorted(indices.tolist()) == list(range(32))


def test_what_is_known_follows_a_permutation_of_the_candidates(new):
    selector = new(64)
    if isinstance(selector, PairwiseSelector) or isinstance(selector, WholeDatasetSelector):
        return  # has a test of its own, or looks at no scores
    order = torch.randperm(64, generator=stream(3, "order"))
    scores = scores_for(selector, 64).mul(20).round()  # with ties
    plain, permuted = (selector(s, 16, stream(1, "s")) for s in (scores, scores[order]))
    for name in ("unnormalized_probabilities", "inclusion_probabilities"):
        of_plain, of_permuted = getattr(plain, name), getattr(permuted, name)
        assert (of_plain is None) == (of_permuted is None)
        if of_plain is not None:
            torch.testing.assert_close(of_permuted, of_plain[order])


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_unusable_scores_are_flagged(new, bad):
    selector = new(64)
    if not selector.uses_scores or isinstance(selector, WholeDatasetSelector):
        return
    scores = scores_for(selector, 64)
    scores[3] = bad
    selection = selector(scores, 16, stream(1, "select"))
    assert selection.fallback
    distinct = len(selection.indices.unique())
    assert distinct == len(selection.indices) or repeats(selector)
    found = selection.unnormalized_probabilities
    assert found is None or (found == found[0]).all()


def test_a_memory_survives_a_round_trip(new):
    """Saved, put into a new one, and both go on alike bit for bit."""
    first, second = taught(new(64), 64), new(64)
    if type(first).state_dict is Part.state_dict:
        learns = type(first).on_step_end is not Part.on_step_end
        assert not learns, "it learns, but forgets when interrupted"
        return
    scores = scores_for(first, 64)
    first(scores, 16, stream(1, "select"))
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for selector in (first, second):
        taught(selector, 64)
    a, b = (selector(scores, 16, stream(2, "select")) for selector in (first, second))
    assert torch.equal(a.indices, b.indices)
    found, again = (one.unnormalized_probabilities for one in (a, b))
    assert found is None or torch.equal(found, again)
