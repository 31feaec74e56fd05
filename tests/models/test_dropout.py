"""model.dropout: the paper's by default, none where it is 0."""

import pytest
import torch
from torch import nn

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import drawing_from, stream
from cdfis_bench.models.cnn import cnn
from cdfis_bench.models.resnet import resnet


def made(make, **values):
    with drawing_from(stream(0, "init")):
        return make(channels=1, side=20, classes=3, **values)


def outputs_differ(model):
    x = torch.randn(4, 1, 20, 20, generator=stream(0, "x"))
    model.train()
    with drawing_from(stream(0, "noise")), torch.no_grad():
        return not torch.equal(model(x), model(x))


@pytest.mark.parametrize("make", [cnn, resnet])
def test_without_dropout_training_passes_repeat_and_with_it_they_do_not(make):
    assert not outputs_differ(made(make, dropout=0))
    assert outputs_differ(made(make, dropout=0.5))


def test_the_default_is_the_papers_and_the_weights_are_the_same():
    model = made(cnn)
    layers = [layer for layer in model if isinstance(layer, nn.Dropout | nn.Dropout2d)]
    assert [layer.p for layer in layers] == [0.5, 0.5]
    other = made(cnn, dropout=0).state_dict()
    assert all(torch.equal(value, other[name]) for name, value in model.state_dict().items())
    assert not any(isinstance(layer, nn.Dropout) for layer in made(resnet))


@pytest.mark.parametrize("make", [cnn, resnet])
@pytest.mark.parametrize("value", [-0.1, 1, True, "half", float("nan")])
def test_a_probability_that_cannot_work_is_refused(make, value):
    with pytest.raises(UserError, match=r"model\.dropout"):
        made(make, dropout=value)
