"""A part of a training set holds the same samples, under rows of its own."""

import numpy as np
import torch

from cdfis_bench.datasets.dataset import Dataset, TensorSamples
from cdfis_bench.datasets.images import ImageSamples
from cdfis_bench.datasets.make_gallery import make_gallery
from cdfis_bench.datasets.subset import trained_on

CPU = torch.device("cpu")
ROWS = torch.tensor([1, 4, 5])


def points():
    return TensorSamples(torch.arange(12.0).view(6, 2), torch.arange(6), CPU)


def test_its_batches_are_those_samples_under_its_own_rows():
    whole = points()
    part = trained_on(Dataset("Points", whole, points(), 6, (2,)), ROWS).train
    batch = part.batch(torch.tensor([2, 0, 2]))
    assert len(part) == 3 and part.y.tolist() == [1, 4, 5]
    assert torch.equal(batch.x, whole.x[[5, 1, 5]])
    assert batch.y.tolist() == [5, 1, 5] and batch.index.tolist() == [2, 0, 2]


def test_what_can_be_looked_at_is_the_part():
    whole = points()
    shown = make_gallery(trained_on(Dataset("Points", whole, points(), 6, (2,)), ROWS))
    assert shown.labels.tolist() == [1, 4, 5] and np.array_equal(shown.points, whole.x[ROWS])
    pixels = torch.arange(6 * 4, dtype=torch.uint8).view(6, 2, 2, 1)
    images = ImageSamples(pixels, torch.arange(6), (0.5,), (0.5,), CPU)
    shown = make_gallery(trained_on(Dataset("Images", images, images, 6, (1, 2, 2)), ROWS))
    assert np.array_equal(shown.picture(2), pixels[5].numpy())
