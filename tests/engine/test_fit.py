"""Combinations of parts that cannot work, or would be wrong, are refused in one sentence."""

import pytest

from cdfis_bench.core.errors import UserError
from tests.engine.small import setup


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["source=dataset"], "Loss does not keep; use metric=memory"),
        (["source=epoch_subset"], "Loss does not keep; use metric=memory"),
        (["source=dataset", "metric=memory", "selector=topk"], "TopkSelector does not have"),
        (["selector=mean_cut"], "MeanCutSelector accepts as many samples as it likes"),
        (["source=dataset", "metric=memory", "selector=rank_power"], "RankPowerSelector does not"),
        (
            ["source=dataset", "metric=memory", "selector.replacement=false"],
            "draws with fixed probabilities, which CdfSelector does not have",
        ),
        (["selector=percentile_bernoulli"], "accepts as many samples as it likes"),
        (["selector=bandit"], "over the whole training set, which PresampleSource does not draw"),
        (["selector=robust_linear"], "not draw from; use source=dataset"),
        (["metric=last_layer_gram"], "CdfSelector needs one score for each"),
        (["selector=greedy_residual"], "Loss scores each on its own; use metric=last_layer_gram"),
        (["metric=margin"], "negative scores, which CdfSelector"),
        (["selector=systematic", "weighting=unbiased"], "needs exact draw probabilities"),
        (["selector=rank_power", "weighting=unbiased"], "needs exact draw probabilities"),
        (["selector=gumbel", "weighting=clipped"], "needs exact draw probabilities"),
        (["selector=topk", "weighting=biased_power"], "needs exact draw probabilities"),
        (
            ["weighting=horvitz_thompson"],
            "exact inclusion probabilities, which CdfSelector",
        ),
        (["weighting=per_sample"], "CdfSelector gives none; use selector=mean_cut"),
        (
            ["source=epoch_subset", "metric=memory", "weighting=unbiased"],
            r"weights for single draws .UnbiasedWeighting. would be wrong",
        ),
        (["metric=none"], "CdfSelector needs scores, which metric=none does not give"),
        (["threshold=variance_reduction", "metric=random"], "RandomScores does not give for free"),
        (["weighting=unbiased", "selector=topk"], "needs exact draw probabilities"),
        (["weighting=unbiased", "selector.replacement=false"], "needs exact draw probabilities"),
    ],
)
def test_parts_that_do_not_fit(overrides, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        setup(*overrides)
    assert "\n" not in str(caught.value)
