"""Images: uint8 rows in memory or in a mapped file, normalized when they are gathered."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cdfis_bench.core.types import Batch
from cdfis_bench.datasets.recycled import Recycled
from cdfis_bench.datasets.staging import Staging, on_device_if_it_fits


class ImageSamples:
    """Images that are normalized on the device, batch by batch.

    Batches are float32 [K, C, H, W] with NHWC strides (channels_last), which convolutions on a CPU
    prefer. Gathering a batch is one index_select. The images are kept on the GPU if it has room for
    them, and stay where they are (memory or a mapped file) otherwise.

    Args:
        images: uint8 [n, H, W, C].
        y: Labels, int64 [n].
        mean: Per channel, of pixel values scaled to [0, 1].
        std: The same.
        device: The device of the run.
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
        # with three values at a time a CPU could not use its vector units.
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
        """One image for display, as it is in the files: uint8 [H, W, C], not normalized."""
        return self._images[row].cpu().numpy()

    def statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """(mean, std) per channel of the pixel values scaled to [0, 1], as found."""
        return channel_statistics(self._images.cpu())

    def batch(self, index: Tensor) -> Batch:
        """The images in the rows `index`, int64 [K] on `index_device`.

        The index in the batch is on the run's device.
        """
        if self._images.is_cuda:
            pixels, on_device = self._images.index_select(0, index), index
        else:
            pixels, on_device = self._staging.send(self._images, index), self._sent(index)
        # Both branches copy, so that the staging buffer can be reused.
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
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The mean and standard deviation of each channel.

    Counts how often each of the 256 values occurs, which is exact and needs little memory for
    mapped files.

    Args:
        images: uint8 [n, H, W, C].
        bytes_at_once: How much is read at a time.

    Returns:
        (mean, std) of pixel values scaled to [0, 1], [C] each. A constant channel gets a standard
        deviation of 1.
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
    """The array as a contiguous tensor; a mapped file is not copied."""
    mapped = isinstance(array, np.memmap)
    return torch.from_numpy(array if mapped else np.ascontiguousarray(array))
