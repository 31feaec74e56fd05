"""The residual network: size, shape, seeds, norms, and values that are refused."""

import pytest
import torch

from cdfis_bench.config.build import make
from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import drawing_from, stream
from cdfis_bench.core.types import Batch
from cdfis_bench.metrics.grad_norm import GradNorm
from cdfis_bench.models.resnet import resnet
from tests.engine.small import resolved
from tests.metrics.networks import largest_relative_error, norms_one_by_one


@pytest.mark.parametrize(
    ("dataset", "shape", "classes", "weights"),
    [
        ("mnist", (1, 28, 28), 10, 695_658),
        ("cifar10", (3, 32, 32), 10, 696_234),
        ("pcam", (3, 96, 96), 2, 699_042),
    ],
)
def test_it_fits_every_published_dataset(dataset, shape, classes, weights):
    config = resolved(f"dataset={dataset}", "model=resnet")["model"]
    with drawing_from(stream(0, "model")):
        model = make("model", config).eval()
    assert sum(p.numel() for p in model.parameters()) == weights
    with torch.no_grad():
        assert model(torch.zeros(1, *shape)).shape == (1, classes)


def test_its_size_follows_users_own_images():
    model = resolved(
        "dataset=arrays", "dataset.classes=5", "model=resnet", "model.side=64", "model.channels=1"
    )["model"]
    assert (model["channels"], model["side"], model["classes"]) == (1, 64, 5)


def test_large_images_reach_the_blocks_at_no_more_than_32_pixels():
    for side in (8, 32, 33, 96, 100):
        with drawing_from(stream(0, "model")):
            first = resnet(3, side, 2, width=8, blocks=1)[0]
        assert 1 <= first(torch.zeros(1, 3, side, side)).shape[-1] <= 32


@pytest.mark.parametrize("norm", ["group", "batch"])
def test_gradient_norms_are_those_of_single_samples_in_float64(norm):
    with drawing_from(stream(0, "model")):
        model = resnet(3, 40, 3, width=8, blocks=1, norm=norm).eval()
        x = torch.randn(6, 3, 40, 40).to(memory_format=torch.channels_last)
    batch = Batch(x, torch.arange(6) % 3, torch.arange(6))
    scores = GradNorm()(model, batch)
    assert largest_relative_error(scores, norms_one_by_one(model, batch)) < 1e-5


def test_weights_come_from_the_stream_that_is_lent():
    def made(seed):
        with drawing_from(stream(seed, "init")):
            return torch.cat([p.flatten() for p in resnet(1, 28, 10, width=8).parameters()])

    assert torch.equal(made(0), made(0)) and not torch.equal(made(0), made(1))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model=resnet"], "model=resnet takes images"),
        (["dataset=mnist", "model=resnet", "model.width=12"], "model.width=12 must be a multiple"),
        (["dataset=mnist", "model=resnet", "model.norm=layer"], "model.norm='layer' is not known"),
        (["dataset=mnist", "model=resnet", "model.blocks=0"], "model.blocks=0 must be a whole"),
    ],
)
def test_values_that_cannot_work_are_refused(overrides, message):
    with pytest.raises(UserError, match=message):
        make("model", resolved(*overrides)["model"])
