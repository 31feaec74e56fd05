"""Bad input is refused when the run is built, in one sentence."""

import pytest
import torch

from cdfis_bench.config.build import build
from cdfis_bench.config.device import find_device
from cdfis_bench.core.errors import UserError
from tests.engine.small import configured

CASES = [
    (["batch_size=2048"], "batch_size=2048 exceeds large_batch_size=256"),
    (["batch_size=0"], "batch_size=0 must be at least 1"),
    (["seed=-1"], "seed=-1 must be at least 0"),
    (["eval_every=0"], "eval_every=0 must be at least 1"),
    (["chunk_size=0"], "chunk_size=0 must be at least 1"),
    (["pattern_every=0"], "pattern_every=0 must be at least 1"),
    (["budget.steps=null"], "the run would never end"),
    (["budget.steps=0"], "budget.steps=0 must be above 0"),
    (["budget.train_seconds=-1"], "budget.train_seconds=-1"),
    (["threshold.fraction=-0.5"], r"threshold.fraction=-0.5 must be a number in \[0, 1\]"),
    (["threshold.fraction=half"], "threshold.fraction='half' must be a number"),
    (["selector.form=median"], "selector.form='median' is not known; choose one of: mass, rank"),
    (["optimizer.lr=-1"], "optimizer=adam cannot be built from [^:]*: Invalid learning rate: -1"),
    (["optimizer.lr=fast"], "optimizer=adam cannot be built"),
    (["large_batch_size=5000"], "exceeds the training set of 3000"),
    (["dataset.train_size=-3"], "dataset.train_size=-3"),
    (
        ["model.sizes=[2,50,3]"],
        "the network gives .3,. values for a sample, the dataset has 2 classes",
    ),
    (["model.sizes=[4,2]"], r"cannot take samples of shape \(2,\)"),
    (["model.sizes=[2]"], "at least two whole numbers"),
    (["selector=topk", "weighting=unbiased"], "needs exact draw probabilities"),
    (["selector.replacement=false", "weighting=unbiased"], "needs exact draw probabilities"),
    (["+selector.temperature=2"], "selector=cdf cannot be built.*temperature"),
    (["selector._target_=nowhere.Thing"], "selector=cdf cannot be built"),
]


@pytest.mark.parametrize(("overrides", "message"), CASES, ids=lambda value: str(value)[:40])
def test_values_that_cannot_work_are_refused_in_one_sentence(overrides, message):
    with pytest.raises(UserError, match=message) as caught:
        build(configured(*overrides), torch.device("cpu"))
    assert "\n" not in str(caught.value)


def test_negative_scores_into_cdf_are_refused_when_the_run_is_built(monkeypatch):
    from cdfis_bench.metrics.loss import Loss

    monkeypatch.setattr(Loss, "can_be_negative", True)
    with pytest.raises(UserError, match="negative scores"):
        build(configured(), torch.device("cpu"))
    build(configured("selector=topk"), torch.device("cpu"))
    build(configured("selector.form=rank"), torch.device("cpu"))


def test_a_device_that_is_not_there_is_refused():
    for name in ("cuda", "mps"):
        if not {"cuda": torch.cuda, "mps": torch.backends.mps}[name].is_available():
            with pytest.raises(UserError, match=f"device={name} was asked for"):
                find_device(name)
    with pytest.raises(UserError, match=r"device\.name='tpu'"):
        find_device("tpu")
