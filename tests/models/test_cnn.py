"""The paper's networks: sizes, shapes, and exact gradient norms through convolutions."""

import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import drawing_from, stream
from cdfis_bench.core.types import Batch
from cdfis_bench.metrics.grad_norm import GradNorm
from cdfis_bench.models import cnn as module


def cnn(channels, side, classes):
    with drawing_from(stream(0, "model")):
        return module.cnn(channels, side, classes)


def test_the_papers_pcam_network_has_446932_weights():
    assert sum(p.numel() for p in cnn(3, 96, 2).parameters()) == 446_932


@pytest.mark.parametrize(("channels", "side", "classes"), [(1, 28, 10), (3, 32, 10), (3, 96, 2)])
def test_logits_have_one_value_per_class(channels, side, classes):
    model = cnn(channels, side, classes).eval()
    assert model(torch.zeros(2, channels, side, side)).shape == (2, classes)


def test_images_that_are_too_small_are_refused():
    with pytest.raises(UserError, match=r"model\.side=15"):
        cnn(3, 15, 2)
    cnn(3, 16, 2)


def test_gradient_norms_are_those_of_single_samples_in_float64():
    model = cnn(1, 28, 10).eval()
    generator = stream(0, "data")
    x = torch.randn(5, 1, 28, 28, generator=generator).to(memory_format=torch.channels_last)
    y = torch.randint(10, (5,), generator=generator)
    scores = GradNorm()(model, Batch(x, y, torch.arange(5)))
    exact = model.double()  # after scoring in float32
    for i in range(5):
        loss = torch.nn.functional.cross_entropy(exact(x[i : i + 1].double()), y[i : i + 1])
        gradients = torch.autograd.grad(loss, list(exact.parameters()))
        norm = torch.cat([g.flatten() for g in gradients]).norm()
        assert scores[i].double() == pytest.approx(norm.item(), rel=1e-5)


def test_a_dataset_without_images_is_refused_in_one_sentence():
    with pytest.raises(UserError, match=r"model=cnn takes images.*model=mlp"):
        cnn(None, None, 2)
