"""Combinations of parts that cannot work, or would be wrong, are refused in one sentence."""

import pytest

from cdfis_bench.core.errors import UserError
from tests.engine.small import setup


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["source=dataset"], "Loss does not remember; use metric=memory"),
        (["source=epoch_subset"], "Loss does not remember; use metric=memory"),
        (["source=dataset", "metric=memory", "selector=topk"], "TopkSelector does not have"),
        (["selector=mean_cut"], "MeanCutSelector accepts as many samples as it likes"),
        (["source=dataset", "metric=memory", "selector=rank_power"], "RankPowerSelector does not"),
        (
            ["source=dataset", "metric=memory", "selector.replacement=false"],
            "draws by fixed probabilities, which CdfSelector does not have",
        ),
        (["selector=percentile_bernoulli"], "accepts as many samples as it likes"),
        (["selector=bandit"], "a law of all training samples, which PresampleSource does not draw"),
        (["selector=robust_linear"], "use source=dataset with metric=memory"),
        (["metric=last_layer_gram"], "CdfSelector wants one score of each"),
        (["selector=greedy_residual"], "Loss scores each on its own; use metric=last_layer_gram"),
        (["metric=margin"], "negative scores, which CdfSelector"),
        (["selector=systematic", "weighting=unbiased"], "needs exact draw probabilities"),
        (["selector=rank_power", "weighting=unbiased"], "needs exact draw probabilities"),
        (["selector=gumbel", "weighting=clipped"], "needs exact draw probabilities"),
        (["selector=topk", "weighting=biased_power"], "needs exact draw probabilities"),
        (["weighting=horvitz_thompson"], "exact chance to be selected, which CdfSelector does not"),
        (["weighting=per_sample"], "CdfSelector gives none; use selector=mean_cut"),
        (
            ["source=epoch_subset", "metric=memory", "weighting=unbiased"],
            r"weights of single draws .UnbiasedWeighting. would be wrong",
        ),
        (["threshold=variance_reduction", "metric=random"], "RandomScores does not give for free"),
        (["weighting=unbiased", "selector=topk"], "needs exact draw probabilities"),
        (["weighting=unbiased", "selector.replacement=false"], "needs exact draw probabilities"),
    ],
)
def test_parts_that_do_not_fit(overrides, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        setup(*overrides)
    assert "\n" not in str(caught.value)
