"""What of a training set can be looked at. Arrays of numpy, so that figures need no torch."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cdfis_bench.datasets.dataset import Dataset, TensorSamples
from cdfis_bench.datasets.images import ImageSamples
from cdfis_bench.datasets.subset import Subset

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Gallery:
    """The training samples by their row, as they are in the files: not normalised.

    picture: row -> uint8 [H, W, C], C = 1 or 3; None where samples are no pictures. points: [n, 2],
    where samples are points of a plane.
    """

    labels: NDArray[np.int64]
    n_classes: int
    sample_shape: tuple[int, ...]
    picture: Callable[[int], Picture] | None
    points: NDArray[np.float32] | None


def gallery(dataset: Dataset) -> Gallery:
    """Of the training set of `dataset`."""
    train = dataset.train
    if isinstance(train, Subset):
        return _part(gallery(replace(dataset, train=train.samples)), train.rows.cpu().numpy())
    flat = isinstance(train, TensorSamples) and dataset.sample_shape == (2,)
    return Gallery(
        labels=train.y.cpu().numpy(),
        n_classes=dataset.n_classes,
        sample_shape=dataset.sample_shape,
        picture=train.picture if isinstance(train, ImageSamples) else None,
        points=train.x.cpu().numpy() if flat else None,
    )


def _part(whole: Gallery, rows: NDArray[np.int64]) -> Gallery:
    show = whole.picture
    return replace(
        whole,
        labels=whole.labels[rows],
        picture=None if show is None else lambda row: show(int(rows[row])),
        points=None if whole.points is None else whole.points[rows],
    )
