"""Scoring and evaluating leave the network as they found it."""

import pytest
import torch
from torch import nn

from cdfis_bench.core.modes import in_mode
from cdfis_bench.core.streams import drawing_from, stream
from cdfis_bench.datasets.dataset import TensorSamples
from cdfis_bench.engine.evaluate import evaluate
from cdfis_bench.engine.predict import predictions


def mixed_model():
    with drawing_from(stream(0, "model")):
        model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
    model.train()
    model[1].eval()  # frozen by hand: must stay so
    return model


@pytest.mark.parametrize("train", [True, False])
def test_every_module_gets_its_own_mode_back(train):
    model = mixed_model()
    before = [m.training for m in model.modules()]
    with pytest.raises(KeyError), in_mode(model, train):
        assert all(m.training == train for m in model.modules())
        raise KeyError
    assert [m.training for m in model.modules()] == before


@pytest.mark.parametrize("chunk_size", [7, 1000])
def test_evaluation_is_the_float64_brute_force_over_the_whole_set(chunk_size):
    model, generator = mixed_model(), stream(0, "data")
    x, y = torch.randn(50, 2, generator=generator), torch.randint(3, (50,), generator=generator)
    loss, accuracy = evaluate(model, TensorSamples(x, y, torch.device("cpu")), chunk_size)
    exact = mixed_model().double().eval()
    correct, total = 0, 0.0
    for row, label in zip(x.double(), y, strict=True):
        logits = exact(row[None])
        total += torch.nn.functional.cross_entropy(logits, label[None]).item()
        correct += int(logits.argmax() == label)
    assert loss == pytest.approx(total / 50, rel=1e-5)
    assert accuracy == correct / 50


@pytest.mark.parametrize("chunk_size", [7, 1000])
def test_predictions_are_the_classes_of_the_largest_logits_row_by_row(chunk_size):
    model, x = mixed_model(), torch.randn(50, 2, generator=stream(0, "data"))
    samples = TensorSamples(x, torch.zeros(50, dtype=torch.int64), torch.device("cpu"))
    said = predictions(model, samples, chunk_size)
    exact = mixed_model().double().eval()
    assert said.dtype == torch.int32
    assert said.tolist() == [int(exact(row[None]).argmax()) for row in x.double()]
    assert len(set(said.tolist())) > 1, "a constant would prove nothing"


def test_evaluation_changes_nothing():
    model = mixed_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [m.training for m in model.modules()]
    x, y = torch.randn(20, 2, generator=stream(0, "x")), torch.zeros(20, dtype=torch.long)
    samples = TensorSamples(x, y, torch.device("cpu"))
    evaluate(model, samples, 8)
    predictions(model, samples, 8)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert [m.training for m in model.modules()] == modes
    assert all(p.grad is None for p in model.parameters())
