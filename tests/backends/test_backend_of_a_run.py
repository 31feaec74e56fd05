"""A whole run uses the backend that the configuration names."""

import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.engine.loop import train
from tests.backends.test_backends import needs_onednn
from tests.datasets.made_files import make_mnist
from tests.engine.small import Memory, setup


def overrides(root, backend, *more):
    return [
        "dataset=mnist",
        f"dataset.root={root}",
        f"backend={backend}",
        "large_batch_size=16",
        "batch_size=8",
        "budget.steps=4",
        "eval_every=2",
        "threshold=always",
        "selector=topk",
        *more,
    ]


@needs_onednn
@pytest.mark.parametrize("metric", ["loss", "grad_norm"])
def test_a_run_ends_where_the_plain_one_does(tmp_path, metric):
    make_mnist(tmp_path)
    ends, used = [], []
    for backend in ("plain", "channels_last", "onednn", "auto"):
        training = setup(*overrides(tmp_path, backend, f"metric={metric}"))
        used.append(training.backend.name)
        ends.append(train(training, Memory())["test_loss"])
    assert used == ["plain", "channels_last", "onednn", "onednn"]
    assert ends == pytest.approx([ends[0]] * 4, rel=1e-4)
    assert ends[2] == ends[3]


def test_an_unsupported_backend_is_refused_before_the_run_starts():
    with pytest.raises(UserError, match=r"backend=onednn .*; use backend=auto"):
        setup("backend=onednn")


@needs_onednn
def test_dropout_while_scoring_keeps_auto_in_channels_last(tmp_path):
    make_mnist(tmp_path)
    training = setup(*overrides(tmp_path, "auto", "scoring_mode=train"))
    assert training.backend.name == "channels_last"
    kernel = training.model.get_parameter("conv2.weight")
    assert kernel.is_contiguous(memory_format=torch.channels_last)
