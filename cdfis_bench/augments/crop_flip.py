"""Random shifts and horizontal flips: the usual augmentation of CIFAR-10."""

import torch
from torch import Tensor
from torch.nn.functional import pad as padded

from cdfis_bench.core.augment import Augment, ImageFacts, where, whole
from cdfis_bench.core.errors import require, require_choice, require_number, require_whole


class CropFlipAugment(Augment):
    """Pads every image on all sides, crops it to its size at a random place, may flip it.

    The same as torchvision's RandomCrop(side, padding=pad) and RandomHorizontalFlip before
    Normalize: black padding is the value of a black pixel after normalization, not 0.

    Source: He et al. 2016, section 4.2.
    """

    draws = 3  # vertical and horizontal place, flip

    def __init__(self, pad: int = 4, fill: str = "black", probability: float = 0.5) -> None:
        """Makes the augmentation.

        Args:
            pad: Pixels on each side, >= 0, less than a side of the image.
            fill: black (where the scale of the pixels is unknown: 0), or reflect.
            probability: Of a flip, in [0, 1].
        """
        self.pad = require_whole("augment.pad", pad, 0)
        self.fill = require_choice("augment.fill", fill, ("black", "reflect"))
        self.probability = require_number("augment.probability", probability, 0.0, 1.0)
        self._black: tuple[float, ...] = ()

    def setup(self, images: ImageFacts) -> None:
        """Notes the value of black. Raises UserError if the padding exceeds the image."""
        channels, *sides = images.shape
        require(
            self.pad < min(sides),
            f"augment.pad={self.pad} must be less than the {min(sides)} pixels of an image's "
            "shorter side",
        )
        self._black = images.scale.black if images.scale else (0.0,) * channels

    def apply(self, x: Tensor, u: Tensor) -> Tensor:
        """Returns the images [K, C, H, W], shifted and some of them mirrored, by u [K, 3]."""
        k, channels, height, width = x.shape
        pad, places = self.pad, 2 * self.pad + 1
        canvas = self._canvas(x)  # [K, H + 2 pad, W + 2 pad, C]
        rows = torch.arange(height, device=x.device) + whole(u[:, 0], places)[:, None]  # [K, H]
        rows += torch.arange(k, device=x.device)[:, None] * (height + 2 * pad)
        starts = rows * (width + 2 * pad) + whole(u[:, 1], places)[:, None]  # in pixels
        # Every row of an image is W successive pixels of the canvas, beginning at any pixel.
        row, pixels = width * channels, canvas.numel() // channels
        runs = canvas.as_strided((pixels - width + 1, row), (channels, 1))
        shifted = runs.index_select(0, starts.flatten()).view(k, height, width, channels)
        shifted = shifted.permute(0, 3, 1, 2)
        return where(u[:, 2] < self.probability, shifted.flip(3), shifted)

    def _canvas(self, x: Tensor) -> Tensor:
        """The padded images, contiguous [K, H + 2 pad, W + 2 pad, C]."""
        pad = self.pad
        if self.fill == "reflect":
            return padded(x, (pad,) * 4, mode="reflect").permute(0, 2, 3, 1).contiguous()
        k, channels, height, width = x.shape
        black = torch.tensor(self._black, dtype=x.dtype, device=x.device)
        canvas = black.expand(k, height + 2 * pad, width + 2 * pad, channels).contiguous()
        canvas[:, pad : pad + height, pad : pad + width] = x.permute(0, 2, 3, 1)
        return canvas
