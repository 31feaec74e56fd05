"""MNIST and CIFAR-10: small enough to be kept in memory."""

from typing import Any

import numpy as np
import torch

from cdfis_bench.core.errors import require_bool
from cdfis_bench.datasets.dataset import Dataset
from cdfis_bench.datasets.fingerprint import of_bytes
from cdfis_bench.datasets.images import ImageSamples, as_tensor
from cdfis_bench.datasets.labels import checked_labels
from cdfis_bench.datasets.torchvision_data import read

# Mean and standard deviation of the training pixels, scaled to [0, 1].
_STATISTICS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "MNIST": ((0.1307,), (0.3081,)),
    "CIFAR10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
}
_TITLES = {"MNIST": "MNIST", "CIFAR10": "CIFAR-10"}
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
        title: Name of the data in figures, for copies that are not the published files.
    """

    def __init__(
        self, published: str, root: str, download: bool = False, title: str | None = None
    ) -> None:
        self._published = published
        self._root = root
        self._download = require_bool("dataset.download", download)
        self._title = title or _TITLES[published]

    def fingerprint(self) -> str:
        """Identifies pixels, labels and their order. Raises UserError as `load` does."""
        parts = [self._read(train) for train in (True, False)]
        arrays = [array for part in parts for array in (part.data, part.targets)]
        return of_bytes(*(np.ascontiguousarray(array, dtype=np.uint8).data for array in arrays))

    def load(self, device: torch.device) -> Dataset:
        """Loads the data. Raises UserError if the files are missing or damaged."""
        train, test = (self._part(train, device) for train in (True, False))
        height, width, channels = train.image_shape
        return Dataset(self._title, train, test, 10, (channels, height, width))

    def _read(self, train: bool) -> Any:
        name = self._published
        return read(name, self._root, self._download, _FILES[name], train=train)

    def _part(self, train: bool, device: torch.device) -> ImageSamples:
        data = self._read(train)
        images = as_tensor(np.asarray(data.data))
        images = images.unsqueeze(-1) if images.ndim == 3 else images  # [n, H, W, C]
        part = "training set" if train else "test set"
        y = checked_labels(np.asarray(data.targets), part, self._root, len(images), 10)
        mean, std = _STATISTICS[self._published]
        return ImageSamples(images, y, mean, std, device)
