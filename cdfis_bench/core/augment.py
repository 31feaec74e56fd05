"""Data augmentation: random changes of the pixels of every sample that is loaded for training."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor

from cdfis_bench.core.types import Batch, PixelScale

# Of samples that are changed at once on a CPU: they and their copies then stay in its cache.
_BYTES_AT_ONCE = 1 << 21


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What an augmentation is told of the images before the first step.

    Attributes:
        shape: (C, H, W) of a sample.
        scale: How pixel values from 0 (black) to 1 (white) were normalized. None where the data was
            given as floating-point numbers, whose scale is unknown.
    """

    shape: tuple[int, int, int]
    scale: PixelScale | None = None


class Augment(ABC):
    """A random change of images that is a function of the pixels and of uniform random numbers.

    Every sample has random numbers of its own, drawn from the stream `augment` of the run. Because
    they decide everything, a sample can be given the same pixels again (source=queue), an
    interrupted run continues with the same ones, and an augmentation has no memory to save.

    Attributes:
        draws: Uniform random numbers per sample; 0 leaves samples as they are.
    """

    draws: int = 0

    def setup(self, images: ImageFacts) -> None:  # noqa: B027
        """Called before the first step.

        Raises:
            UserError: If such images cannot be augmented like this. Called once before data is
                loaded where the shape is known by then, and once after.
        """

    @abstractmethod
    def apply(self, x: Tensor, u: Tensor) -> Tensor:
        """Returns the changed images.

        Args:
            x: Normalized images [K, C, H, W]; may be changed.
            u: Uniform random numbers in [0, 1): [K, draws], float32, on the device of x.

        Returns:
            [K, C, H, W]. Image k depends on image k and on u[k] only.
        """

    def __call__(self, x: Tensor, u: Tensor) -> None:
        """Changes the images x [K, C, H, W] in place, by u [K, draws]."""
        size = len(x)
        if x.device.type == "cpu":
            size = max(1, _BYTES_AT_ONCE // max(1, x[0].numel() * x.element_size()))
        for some, own in zip(x.split(size), u.split(size), strict=True):
            some.copy_(self.apply(some, own))


@dataclass(frozen=True, slots=True)
class Augmenter:
    """An augmentation and the random stream that it draws from.

    Attributes:
        augment: The augmentation.
        stream: On the device of the run.
    """

    augment: Augment
    stream: Generator = field(repr=False)

    def __call__(self, batch: Batch, draws: Tensor | None = None) -> Batch:
        """Augments samples that were just loaded, in place.

        Args:
            batch: The samples, their pixels as they are in the dataset.
            draws: Random numbers of an earlier presentation [K, draws], to repeat it; None draws
                new ones.

        Returns:
            The batch, with the random numbers behind its pixels.
        """
        if self.augment.draws == 0:
            return batch
        if draws is None:
            device = self.stream.device
            shape = len(batch), self.augment.draws
            draws = torch.rand(shape, generator=self.stream, device=device).to(batch.x.device)
        self.augment(batch.x, draws)
        return Batch(batch.x, batch.y, batch.index, draws)


def whole(u: Tensor, n: int) -> Tensor:
    """Whole numbers from 0 to n - 1, int64, each equally likely, from uniform numbers in [0, 1)."""
    return (u * n).long().clamp_(max=n - 1)


def where(chosen: Tensor, changed: Tensor, x: Tensor) -> Tensor:
    """The images `changed` [K, C, H, W] where `chosen` [K] is true, and x elsewhere."""
    return torch.where(chosen[:, None, None, None], changed, x)
