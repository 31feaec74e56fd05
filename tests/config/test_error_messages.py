"""Bad input is refused when the run is built, in one sentence."""

import pytest
import torch

from cdfis_bench.config.build import build
from cdfis_bench.config.device import computing_on, find_device
from cdfis_bench.core.errors import UserError
from cdfis_bench.engine.budget import Budget
from tests.engine.small import configured

CASES = [
    (["batch_size=2048"], "batch_size=2048 exceeds large_batch_size=256"),
    (["batch_size=0"], "batch_size=0 must be a whole number of at least 1"),
    (["seed=-1"], "seed=-1 must be a whole number of at least 0"),
    (["eval_every=0"], "eval_every=0 must be a whole number of at least 1"),
    (["chunk_size=0"], "chunk_size=0 must be a whole number of at least 1"),
    (["pattern_every=0"], "pattern_every=0 must be a whole number of at least 1"),
    (["budget.steps=null"], "the run would never end"),
    (["budget.steps=0"], "budget.steps=0 must be above 0"),
    (["budget.train_seconds=-1"], "budget.train_seconds=-1"),
    (["threshold.fraction=-0.5"], r"threshold.fraction=-0.5 must be a number in \[0, 1\]"),
    (["threshold.fraction=half"], "threshold.fraction='half' must be a number"),
    (["selector.form=median"], "selector.form='median' is not known; choose one of: mass, rank"),
    (["optimizer.lr=-1"], "optimizer=adam cannot be built from [^:]*: Invalid learning rate: -1"),
    (["optimizer.lr=fast"], "optimizer.lr='fast' must be a number"),
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
    (["seed=99999999999999999999"], "seed=99999999999999999999 must be a whole number of at most"),
    (["keep.fraction=0"], r"keep.fraction=0.0 must be a number in \(0, 1\]"),
    (["keep.fraction=1.5"], r"keep.fraction=1.5 must be a number in \(0, 1\]"),
    (["results_version=0"], "results_version=0 must be a whole number of at least 1"),
    (["threshold.fraction=nan"], "threshold.fraction=nan must be a finite number"),
    (["budget.train_seconds=inf"], "budget.train_seconds=inf must be a finite number; null is"),
    (["optimizer.lr=inf"], "optimizer.lr=inf must be a finite number"),
    (["+optimizer.betas=[0.9,nan]"], "optimizer.betas=nan must be a finite number"),
    (["keep.fraction=nan"], "keep.fraction=nan must be a finite number"),
    (["optimizer.lr=true"], "optimizer.lr=True must be a number"),
    (["+optimizer.eps=true"], "optimizer.eps=True must be a number"),
    (["+optimizer.weight_decay=x"], "optimizer.weight_decay='x' must be a number"),
    (["optimizer.fused=yes"], "optimizer.fused='yes' must be true or false, or null"),
    (["optimizer.fused=1"], "optimizer.fused=1 must be true or false, or null"),
    (["selector.replacement=yes"], "selector.replacement='yes' must be true or false"),
    (
        ["source=dataset", "metric=memory", "source.rebuild_every=true"],
        "source.rebuild_every=True must be a number, or null",
    ),
    (["threshold=always", "threshold.open=x"], "threshold.open='x' must be true or false"),
    (["model.sizes=5"], "model.sizes=5 must be at least two whole numbers"),
    (["model.sizes=[2,true,2]"], "at least two whole numbers"),
    (["+selector.foo=1"], "selector=cdf cannot be built: the key selector.foo is not known; it ta"),
    (
        ["+optimizer.momentum=0.9"],
        "the key optimizer.momentum is not known; use optimizer=sgd",
    ),
    (["+dataset.url=http"], "the key dataset.url is not known; nothing is loaded from a URL"),
    (["+selector._partial_=true"], "the key selector._partial_ cannot be set"),
    (["+selector._recursive_=maybe"], "the key selector._recursive_ cannot be set"),
    (["model._target_=builtins.dict"], "model=mlp makes a dict, but model needs a torch.nn"),
    (["dataset._target_=builtins.dict"], "dataset=two_circles makes a dict, which lacks the meth"),
    (["optimizer._target_=builtins.dict"], "optimizer=adam makes a dict, but optimizer needs a"),
    (["source._target_=builtins.dict"], "dict is no source"),
    (["selector._target_=nowhere.Thing"], "selector=cdf cannot be built"),
]


@pytest.mark.parametrize(("overrides", "message"), CASES, ids=lambda value: str(value)[:40])
def test_values_that_cannot_work_are_refused_in_one_sentence(overrides, message):
    with pytest.raises(UserError, match=message) as caught:
        build(configured(*overrides), torch.device("cpu"))
    assert "\n" not in str(caught.value)


def test_a_very_large_budget_is_no_mistake():
    assert build(configured("budget.steps=1000000000000"), torch.device("cpu")).budget.steps == 1e12


@pytest.mark.parametrize("threads", [0, -1, True, 1.5, "two", 10**22])
def test_a_number_of_threads_that_cannot_be_is_refused(threads):
    with pytest.raises(UserError, match=r"device\.threads="):
        with computing_on(torch.device("cpu"), threads):
            pass


@pytest.mark.parametrize("limit", [float("nan"), float("inf"), -1, 0, True])
def test_a_budget_is_a_number_above_zero(limit):
    with pytest.raises(UserError, match=r"budget\.train_seconds=.* must be above 0"):
        Budget(steps=None, train_seconds=limit)


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
    with pytest.raises(UserError, match=r"device=cuda:1: .* CUDA_VISIBLE_DEVICES=1"):
        find_device("cuda:1")
