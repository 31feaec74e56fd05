"""MNIST and CIFAR-10: small enough to be kept in memory."""

from typing import Any

import numpy as np
import torch

from cdfis_bench.core.errors import UserError, require_bool, require_choice, require_text
from cdfis_bench.core.types import PixelScale
from cdfis_bench.datasets.dataset import Dataset
from cdfis_bench.datasets.fingerprint import of_bytes
from cdfis_bench.datasets.images import ImageSamples, as_tensor
from cdfis_bench.datasets.labels import checked_labels
from cdfis_bench.datasets.torchvision_data import data_root, read

# Mean and standard deviation of the training pixels, scaled to [0, 1].
_STATISTICS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "MNIST": ((0.1307,), (0.3081,)),
    "CIFAR10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
}
_TITLES = {"MNIST": "MNIST", "CIFAR10": "CIFAR-10"}
# Images of each class in the published training and test set. torchvision compares CIFAR-10's files
# with their checksums, but takes any files for MNIST.
_CLASS_COUNTS = {
    "MNIST": (
        (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
        (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009),
    ),
    "CIFAR10": ((5000,) * 10, (1000,) * 10),
}
_SHAPES = {"MNIST": (28, 28), "CIFAR10": (32, 32, 3)}
_FILES = {
    "MNIST": "MNIST/raw/{train,t10k}-{images-idx3,labels-idx1}-ubyte",
    "CIFAR10": "cifar-10-batches-py/{data_batch_1..5,test_batch,batches.meta}",
}


class SmallImages:
    """A torchvision set of small images with its published training and test split.

    Args:
        published: MNIST or CIFAR10.
        root: The folder that torchvision keeps it in.
        download: Whether to download it if it is missing.
        title: Name of the data in figures. If None, it is called by its name only if it has the
            published number of images in every class and, as far as four digits go, the published
            mean.
    """

    def __init__(
        self, published: str, root: str, download: bool = False, title: str | None = None
    ) -> None:
        self._published = require_choice("dataset.published", published, tuple(_TITLES))
        self._root = str(data_root(root))
        self._download = require_bool("dataset.download", download)
        self._title = require_text("dataset.title", title)

    def fingerprint(self) -> str:
        """Identifies pixels, labels and their order. Raises UserError as `load` does."""
        parts = [self._read(train) for train in (True, False)]
        arrays = [array for part in parts for array in (part.data, part.targets)]
        return of_bytes(*(np.ascontiguousarray(array, dtype=np.uint8).data for array in arrays))

    def load(self, device: torch.device) -> Dataset:
        """Loads the data. Raises UserError if the files are missing or damaged."""
        train, test = (self._part(train, device) for train in (True, False))
        height, width, channels = train.image_shape
        title = self._title or self._found_title(train, test)
        scale = PixelScale(*_STATISTICS[self._published])
        return Dataset(title, train, test, 10, (channels, height, width), scale)

    def _found_title(self, train: ImageSamples, test: ImageSamples) -> str:
        name = _TITLES[self._published]
        counts = tuple(tuple(part.y.bincount(minlength=10).tolist()) for part in (train, test))
        if counts == _CLASS_COUNTS[self._published]:
            mean, _ = train.statistics()
            published = _STATISTICS[self._published][0]
            if all(abs(a - b) < 1e-4 for a, b in zip(mean, published, strict=True)):
                return name
        return f"data in {name}'s format, not verified ({len(train):,} + {len(test):,} images)"

    def _read(self, train: bool) -> Any:
        name = self._published
        data = read(name, self._root, self._download, _FILES[name], train=train)
        images, shape = np.asarray(data.data), _SHAPES[name]
        if images.dtype != np.uint8 or images.shape[1:] != shape or not len(images):
            raise UserError(
                f"{self._root}: the images of {_TITLES[name]} are {images.dtype} {images.shape}, "
                f"but must be uint8 (n, {', '.join(map(str, shape))}); get the files again, or use "
                "dataset=arrays for other images"
            )
        labels = np.asarray(data.targets)
        checked_labels(labels, "the labels", self._root, len(images), 10)
        return data

    def _part(self, train: bool, device: torch.device) -> ImageSamples:
        data = self._read(train)
        images = as_tensor(np.asarray(data.data))
        images = images.unsqueeze(-1) if images.ndim == 3 else images  # [n, H, W, C]
        part = "training set" if train else "test set"
        y = checked_labels(np.asarray(data.targets), part, self._root, len(images), 10)
        mean, std = _STATISTICS[self._published]
        return ImageSamples(images, y, mean, std, device)
