"""A dataset as the engine uses it."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from cdfis_bench.core.types import Batch, PixelScale, Samples


@dataclass(frozen=True, slots=True)
class Dataset:
    """A training set and a test set, and a validation set if one is held out.

    Attributes:
        title: What the data really is, shown in every figure ("Two Circles", "PCam stand-in
            (procedural)").
        train: The training set.
        test: The test set.
        n_classes: Number of classes; labels are 0 to n_classes - 1.
        sample_shape: Shape of one sample as the model gets it.
        pixel_scale: How the pixels of images were normalized; None if unknown, or for no images.
        validation: Samples held out of the training set (datasets/validation.py), or None.
    """

    title: str
    train: Samples
    test: Samples
    n_classes: int
    sample_shape: tuple[int, ...]
    pixel_scale: PixelScale | None = None
    validation: Samples | None = None


class DataSource(Protocol):
    """What a dataset's YAML describes: knows where the data is, and loads it."""

    def fingerprint(self) -> str:
        """Identifies the data among all that the same configuration may find; part of a run's id.

        Returns:
            "" if the configuration alone determines the data.

        Raises:
            UserError: If the data is not there.
        """
        ...

    def load(self, device: torch.device) -> Dataset:
        """Loads the data.

        Args:
            device: The device that batches will be on.

        Returns:
            The training set and the test set.

        Raises:
            UserError: If the data is not there, or cannot be used.
        """
        ...


class TensorSamples:
    """Samples that are kept on the run's device and used as they are.

    Args:
        x: float32 [n, *D].
        y: int64 [n].
        device: The device of the run.
    """

    def __init__(self, x: Tensor, y: Tensor, device: torch.device) -> None:
        self.x = x.to(device)
        self.y = y.to(device)
        self.index_device = self.y.device

    def __len__(self) -> int:
        return self.y.shape[0]

    def batch(self, index: Tensor) -> Batch:
        """The samples in the rows `index`, int64 [K]."""
        return Batch(x=self.x.index_select(0, index), y=self.y.index_select(0, index), index=index)
