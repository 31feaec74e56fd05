"""KF18 against its authors' library: github.com/idiap/importance-sampling.

Source: importance_sampling/{training,samplers,reweighting}.py; arXiv 1803.00942, equation 29.
"""

import math

import numpy as np
import pytest
import torch

from cdfis_bench.core.streams import stream
from cdfis_bench.core.types import Observation, Sizes, concentration
from cdfis_bench.thresholds.variance_reduction import VarianceReductionThreshold
from tests.methods.preset import method_of


def their_tau(scores):
    """1 / sqrt(1 - |g - u|^2 / |g|^2), as their condition computes it."""
    g = scores / scores.sum()
    return 1 / math.sqrt(1 - np.square(g - 1 / len(g)).sum() / np.square(g).sum())


@pytest.mark.parametrize("m", [4, 128, 1024])
def test_tau_is_theirs(m):
    scores = torch.rand(m, generator=stream(0, "scores"), dtype=torch.float64) ** 3
    assert concentration(scores).item() == pytest.approx(their_tau(scores.numpy()))
    assert concentration(torch.tensor([0.1, 0.2, 0.3, 1.4])).item() == pytest.approx(1.449138)


@pytest.mark.parametrize("preset", ["kf18_bound", "kf18_loss"])
@pytest.mark.parametrize(("k", "level"), [(384, 2.0), (1024, 11 / 3)])
def test_the_level_is_theirs(preset, k, level):
    threshold = method_of(preset, f"large_batch_size={k}", "batch_size=128").threshold
    assert isinstance(threshold, VarianceReductionThreshold)
    threshold.setup(Sizes(3000, k, 128, torch.device("cpu")))
    assert threshold.level == pytest.approx(level)


def test_the_gate_opens_and_closes_when_theirs_does():
    threshold = method_of("kf18_bound", "threshold.level=2").threshold
    generator, average, flags = stream(0, "scores"), 0.0, set()
    for step in range(1, 400):
        power = 1 + 8 * math.sin(step / 40) ** 2
        scores = torch.rand(384, generator=generator, dtype=torch.float64) ** power
        average = 0.9 * average + 0.1 * their_tau(scores.numpy())
        threshold.update(Observation(step, 0.0, None, concentration(scores).item()))
        assert threshold.open == (average > 2)
        flags.add((threshold.open, step > 100))
    assert flags == {(True, True), (False, True), (True, False), (False, False)}


def test_the_weights_are_theirs():
    method = method_of("kf18_bound")
    scores = torch.tensor([0.1, 0.2, 0.3, 1.4])
    selection = method.selector(scores, 64, stream(0, "select"))
    weights = method.weighting(selection, 4)
    assert weights is not None
    theirs = torch.tensor([5, 2.5, 5 / 3, 0.357143])  # sum of the scores / K / score
    assert torch.allclose(weights, theirs[selection.indices])
