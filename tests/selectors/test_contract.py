"""What every selector YAML keeps, ours or a guest's."""

import pytest
import torch
from omegaconf import OmegaConf

from cdfis_bench.config.build import make
from cdfis_bench.config.where import conf_dir
from cdfis_bench.core.streams import stream

YAMLS = sorted((conf_dir() / "selector").glob("*.yaml"))


@pytest.fixture(params=YAMLS, ids=lambda path: path.stem)
def selector(request):
    return make("selector", OmegaConf.to_container(OmegaConf.load(request.param)))


@pytest.mark.parametrize("n", [1, 128, 1024])
def test_exactly_n_valid_indices(selector, n):
    scores = torch.rand(1024, generator=stream(0, "scores"))
    selection = selector(scores, n, stream(1, "select"))
    if getattr(selector, "variable_size", False):
        n = len(selection.indices)
    assert selection.indices.shape == (n,)
    assert selection.indices.dtype == torch.int64
    assert 0 <= selection.indices.min() and selection.indices.max() < 1024


def test_scores_are_left_alone_and_repeats_are_equal(selector):
    scores = torch.rand(64, generator=stream(0, "scores"))
    before = scores.clone()
    first, second = (selector(scores, 16, stream(1, "select")).indices for _ in range(2))
    assert torch.equal(first, second) and torch.equal(scores, before)


def test_known_probabilities_are_a_distribution(selector):
    selection = selector(torch.rand(64, generator=stream(0, "s")), 16, stream(1, "select"))
    if selector.known_probabilities:
        assert selection.probabilities.dtype == torch.float64
        assert abs(selection.probabilities.sum().item() - 1) < 1e-12
    else:
        assert selection.probabilities is None


def test_choosing_all_without_repeats_chooses_everyone(selector):
    indices = selector(torch.ones(32), 32, stream(0, "all")).indices
    if not getattr(selector, "replacement", False):
        assert sorted(indices.tolist()) == list(range(32))
