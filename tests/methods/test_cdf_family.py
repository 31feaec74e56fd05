"""The paper's own methods and their ablations, against the paper and its authors' code.

Source: Knutsson et al. 2023; github.com/3DJakob/ai-importance-sampling, samplers/pickers.py.
"""

import numpy as np
import pytest
import torch

from cdfis_bench.core.streams import stream
from cdfis_bench.selectors.cdf import CdfSelector
from cdfis_bench.thresholds.evaluated_loss_ratio import EvaluatedLossRatioThreshold
from tests.engine.small import resolved, setup
from tests.methods.preset import method_of

LOSSES = torch.tensor([0.1, 0.2, 0.3, 1.4])
PARTS = ("source", "metric", "selector", "weighting", "threshold")


def law_of_the_authors_picker(scores):
    """How often each is picked by their rule, u on a fine grid: sort, accumulate, look u up."""
    order = np.argsort(-scores)
    ends = np.cumsum(scores[order]) / scores.sum()
    u = (np.arange(200_000) + 0.5) / 200_000
    picked = order[np.searchsorted(ends, u).clip(max=len(scores) - 1)]
    return np.bincount(picked, minlength=len(scores)) / len(u)


@pytest.mark.parametrize("preset", ["loss_cdf", "reference_code", "random_scores", "kf18_loss"])
def test_draws_have_the_law_of_the_authors_picker(preset):
    selector = method_of(preset).selector
    assert isinstance(selector, CdfSelector) and selector.replacement
    scores = torch.rand(50, generator=stream(0, "scores")).square()
    selection = selector(scores, 8, stream(0, "select"))
    assert selection.probabilities is not None
    law = law_of_the_authors_picker(scores.double().numpy())
    assert selection.probabilities.numpy() == pytest.approx(law, abs=2e-5)


@pytest.mark.parametrize(
    ("preset", "expected"),
    [("loss_cdf", [0.05, 0.10, 0.15, 0.70]), ("cdf_rank", [0.1, 0.2, 0.3, 0.4])],
)
def test_the_two_readings_of_cdf_sampling(preset, expected):
    probabilities = method_of(preset).selector(LOSSES, 2, stream(0, "select")).probabilities
    assert probabilities is not None and probabilities.tolist() == pytest.approx(expected)


@pytest.mark.parametrize("preset", ["loss_topk", "grad_norm_topk"])
def test_the_highest_are_taken(preset):
    chosen = method_of(preset).selector(LOSSES, 2, stream(0, "select")).indices
    assert sorted(chosen.tolist()) == [2, 3]


@pytest.mark.parametrize(
    ("preset", "changed"),
    [
        ("loss_cdf_distinct", {"selector"}),
        ("loss_cdf_now", {"threshold"}),
        ("loss_cdf_tau", {"threshold"}),
        ("loss_cdf_unbiased", {"weighting"}),
        ("kf18_loss", {"weighting", "threshold"}),
        ("kf18_bound", {"metric", "weighting", "threshold"}),
        ("random_scores", {"metric"}),
        ("loss_topk", {"selector"}),
        ("cdf_rank", {"selector"}),
        ("systematic", {"selector", "weighting"}),
        ("grad_norm_cdf", {"metric"}),
        ("reference_code", {"threshold"}),
    ],
)
def test_an_ablation_changes_what_it_says_and_nothing_else(preset, changed):
    base, other = resolved("method=loss_cdf"), resolved(f"method={preset}")
    assert {part for part in PARTS if base[part] != other[part]} == changed


def test_the_authors_code_trains_without_dropout_and_starts_by_the_test_loss():
    run = setup("method=reference_code")
    threshold = run.make_method().threshold
    assert not run.train_mode and isinstance(threshold, EvaluatedLossRatioThreshold)
    for loss, open in ((2.0, False), (2.0 * threshold.fraction, False), (0.1, True), (9.0, True)):
        threshold.on_evaluation(loss)
        assert threshold.open == open
