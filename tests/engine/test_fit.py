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
        (["weighting=unbiased", "selector=topk"], "needs exact draw probabilities"),
        (["weighting=unbiased", "selector.replacement=false"], "needs exact draw probabilities"),
    ],
)
def test_parts_that_do_not_fit(overrides, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        setup(*overrides)
    assert "\n" not in str(caught.value)
