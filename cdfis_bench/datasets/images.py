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
        # (pixel / 255 - mean) / std as one multiplication and addition, tiled to a row of pixels:
        # three values at a time would keep a CPU from using its vector units.
        width = images.shape[2]
        spread = torch.tensor(std, device=device)
        self._scale = (1 / (255 * spread)).repeat(width)  # [W * C]
        self._shift = (-torch.tensor(mean, device=device) / spread).repeat(width)
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
        rows = self._gathered.view(-1, self._scale.shape[0]).to(self._device)  # [K * H, W * C]
        x = rows.float()
        torch.addcmul(self._shift, x, self._scale, out=x)
        x = x.view(shape).permute(0, 3, 1, 2)  # [K, C, H, W]
        return Batch(x=x, y=self.y.index_select(0, index.to(self._device)), index=index)


def channel_statistics(
    images: Tensor, bytes_at_once: int = 1 << 24
) -> tuple[tuple[float, ...], ...]:
    """(mean, std) per channel of uint8 images [n, H, W, C] scaled to [0, 1].

    Counts how often each of the 256 values occurs: exact, and little memory for mapped files.
    A channel that is the same everywhere gets a std of 1: there is nothing to divide by.
    """
    channels = images.shape[-1]
    counts = torch.zeros(channels, 256, dtype=torch.float64)
    for part in images.split(max(1, bytes_at_once // images[0].numel())):
        for channel in range(channels):
            counts[channel] += part[..., channel].flatten().bincount(minlength=256)
    values = torch.arange(256, dtype=torch.float64) / 255
    share = counts / counts.sum(1, keepdim=True)
    mean = share @ values
    std = (share @ values.square() - mean.square()).clamp(min=0).sqrt()
    return tuple(mean.tolist()), tuple(torch.where(std > 1e-6, std, 1.0).tolist())


def as_tensor(array: np.ndarray) -> Tensor:
    """A contiguous tensor; of a mapped file a tensor on the file's own memory."""
    mapped = isinstance(array, np.memmap)
    return torch.from_numpy(array if mapped else np.ascontiguousarray(array))
