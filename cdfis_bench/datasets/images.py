"""Images: uint8 rows in memory or in a mapped file, normalised when they are gathered."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cdfis_bench.core.types import Batch
from cdfis_bench.datasets.recycled import Recycled
from cdfis_bench.datasets.staging import Staging, on_device_if_it_fits


class ImageSamples:
    """uint8 images [n, H, W, C] and labels [n]; batches are float32 [K, C, H, W], normalised.

    mean, std: per channel, of pixel values scaled to [0, 1]. On a GPU with room for them the images
    lie there; else they stay where they are (memory or a mapped file). A batch is one index_select,
    and normalised on `device`.
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
        self._images = on_device_if_it_fits(images, device)
        self.y = y.to(device)
        self.index_device = self._images.device
        # (pixel / 255 - mean) / std as one multiplication and addition, tiled to a row of pixels:
        # three values at a time would keep a CPU from using its vector units.
        width = images.shape[2]
        spread = torch.tensor(std, device=device)
        self._scale = (1 / (255 * spread)).repeat(width)  # [W * C]
        self._shift = (-torch.tensor(mean, device=device) / spread).repeat(width)
        self._device = device
        self._staging = Staging(device)
        self._normalised = Recycled()

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(H, W, C)."""
        return tuple(self._images.shape[1:])

    def __len__(self) -> int:
        return self.y.shape[0]

    def picture(self, row: int) -> NDArray[np.uint8]:
        """One image as it is in the files, uint8 [H, W, C], to be looked at."""
        return self._images[row].cpu().numpy()

    def batch(self, index: Tensor) -> Batch:
        """index: [K] int64 on index_device. The batch's own index is on the device of the run."""
        if self._images.is_cuda:
            pixels, on_device = self._images.index_select(0, index), index
        else:
            pixels, on_device = self._staging.send(self._images, index), self._sent(index)
        # Both ways copy, so that the staging buffer can be used again.
        rows = pixels.view(-1, self._scale.shape[0])  # [K * H, W * C]
        if self._device.type == "cpu":
            x = self._normalised.empty(rows.numel()).view(rows.shape).copy_(rows)
        else:
            x = rows.float()
        torch.addcmul(self._shift, x, self._scale, out=x)
        x = x.view(pixels.shape).permute(0, 3, 1, 2)  # [K, C, H, W]
        return Batch(x=x, y=self.y.index_select(0, on_device), index=on_device)

    def _sent(self, index: Tensor) -> Tensor:
        if self._device.type == "cuda":
            return index.pin_memory().to(self._device, non_blocking=True)
        return index.to(self._device)


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
