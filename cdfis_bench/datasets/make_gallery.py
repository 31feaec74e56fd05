"""From a loaded dataset to the gallery that figures show."""

from dataclasses import replace

from cdfis_bench.datasets.dataset import Dataset, TensorSamples
from cdfis_bench.datasets.gallery import Gallery
from cdfis_bench.datasets.images import ImageSamples
from cdfis_bench.datasets.subset import Subset


def make_gallery(dataset: Dataset) -> Gallery:
    """The training set of `dataset` as NumPy arrays on the CPU."""
    train = dataset.train
    if isinstance(train, Subset):
        whole = make_gallery(replace(dataset, train=train.samples))
        return whole.part(train.rows.cpu().numpy())
    points = None
    if isinstance(train, TensorSamples) and dataset.sample_shape == (2,):
        points = train.x.cpu().numpy()
    return Gallery(
        labels=train.y.cpu().numpy(),
        n_classes=dataset.n_classes,
        sample_shape=dataset.sample_shape,
        picture=train.picture if isinstance(train, ImageSamples) else None,
        points=points,
    )
