"""Images: uint8 rows in memory or in a mapped file, normalised when they are gathered."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cdfis_bench.core.types import Batch


class ImageSamples:
    """uint8 images [n, H, W, C] and labels [n]; batches are float32 [K, C, H, W], normalised.

    mean, std: per channel, of pixel values scaled to [0, 1]. The images stay where they are (memory
    or a mapped file); a batch is one index_select, and normalised on `device`.
    Batches have NHWC strides (channels_last), which convolutions on a CPU prefer.
    """

    def __init__(
        self,
        images: Tensor,
        y: Tensor,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        device: torch.device,
    ) -> None:
        self._images = images
        self.y = y.to(device)
        self.index_device = images.device
        # (pixel / 255 - mean) / std as one multiplication and one addition.
        spread = torch.tensor(std, device=device).view(1, -1, 1, 1)
        self._scale = 1 / (255 * spread)
        self._shift = -torch.tensor(mean, device=device).view(1, -1, 1, 1) / spread
        self._device = device
        self._gathered = torch.empty(0, dtype=torch.uint8)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(H, W, C)."""
        return tuple(self._images.shape[1:])

    def __len__(self) -> int:
        return self.y.shape[0]

    def picture(self, row: int) -> NDArray[np.uint8]:
        """One image as it is in the files, uint8 [H, W, C], to be looked at."""
        return self._images[row].numpy()

    def batch(self, index: Tensor) -> Batch:
        # Gathering into the same memory takes a quarter of the time: new memory is touched page by
        # page. It is safe, because `.float()` copies before anyone else sees it.
        shape = (index.shape[0], *self._images.shape[1:])
        if self._gathered.shape != shape:
            self._gathered = torch.empty(shape, dtype=torch.uint8)
        torch.index_select(self._images, 0, index.to("cpu"), out=self._gathered)
        pixels = self._gathered.permute(0, 3, 1, 2).to(self._device)  # [K, C, H, W]
        x = pixels.float().mul_(self._scale).add_(self._shift)
        return Batch(x=x, y=self.y.index_select(0, index), index=index)


def channel_statistics(images: Tensor, chunk: int = 4096) -> tuple[tuple[float, ...], ...]:
    """(mean, std) per channel of uint8 images [n, H, W, C] scaled to [0, 1], chunk by chunk.

    A channel that is the same everywhere gets a std of 1: there is nothing to divide by.
    """
    total = torch.zeros(images.shape[-1], dtype=torch.float64)
    squares = torch.zeros_like(total)
    for part in images.split(chunk):
        pixels = part.flatten(0, -2).double() / 255
        total += pixels.sum(0)
        squares += pixels.square().sum(0)
    count = images.numel() / images.shape[-1]
    mean = total / count
    std = (squares / count - mean.square()).clamp(min=0).sqrt()
    return tuple(mean.tolist()), tuple(torch.where(std > 1e-6, std, 1.0).tolist())


def as_tensor(array: np.ndarray) -> Tensor:
    """A tensor on the array's own memory, mapped files included."""
    return torch.from_numpy(np.ascontiguousarray(array))
