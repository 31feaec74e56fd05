"""Random brightness, contrast and saturation."""

import torch
from torch import Tensor

from cdfis_bench.core.augment import Augment, ImageFacts
from cdfis_bench.core.errors import require, require_number
from cdfis_bench.core.types import PixelScale

_GREY = (0.2989, 0.587, 0.114)  # of red, green and blue: ITU-R 601, as in torchvision
_LARGEST = 10.0  # range of a factor around 1


class ColorJitterAugment(Augment):
    """Changes brightness, contrast and saturation by factors around 1.

    The factors are those of torchvision's ColorJitter, applied to pixel values from 0 to 1 that are
    cut off at 0 and 1 after each change. torchvision makes the changes in random order; here they
    have the order of the arguments. Grey images have no saturation.
    """

    draws = 3

    def __init__(
        self, brightness: float = 0.4, contrast: float = 0.4, saturation: float = 0.4
    ) -> None:
        """Takes the ranges: a factor is uniform between max(0, 1 - range) and 1 + range."""
        ranges = {"brightness": brightness, "contrast": contrast, "saturation": saturation}
        self.ranges = [require_number(f"augment.{k}", v, 0.0, _LARGEST) for k, v in ranges.items()]
        self._scale: PixelScale | None = None

    def setup(self, images: ImageFacts) -> None:
        """Raises UserError for images without a known scale, and neither grey nor RGB."""
        require(
            images.shape[0] in (1, 3),
            f"augment=color_jitter needs images of 1 or 3 channels, not {images.shape[0]}; use "
            "augment=flip",
        )
        require(
            images.scale is not None,
            "augment=color_jitter needs to know which values are black and white, which images of "
            "floating-point numbers do not say; store them as uint8, or use augment=flip",
        )
        self._scale = images.scale

    def apply(self, x: Tensor, u: Tensor) -> Tensor:
        """Returns the images [K, C, H, W] with other colors, by u [K, 3]."""
        assert self._scale is not None, "setup comes first"
        constants = torch.tensor((self._scale.mean, self._scale.std), dtype=x.dtype)
        mean, std = constants.to(x.device)[:, :, None, None]  # [C, 1, 1] each
        brightness, contrast, saturation = self._factors(u.to(x.dtype))
        pixels = (x * std + mean).mul_(brightness).clamp_(0, 1)
        middle = _grey(pixels).mean((1, 2, 3), keepdim=True)
        pixels = torch.lerp(middle, pixels, contrast).clamp_(0, 1)
        if x.shape[1] == 3:
            pixels = torch.lerp(_grey(pixels), pixels, saturation).clamp_(0, 1)
        return pixels.sub_(mean).div_(std)

    def _factors(self, u: Tensor) -> tuple[Tensor, ...]:
        """Three factors, each [K, 1, 1, 1]."""
        low = [max(0.0, 1 - extent) for extent in self.ranges]
        span = [1 + extent - start for extent, start in zip(self.ranges, low, strict=True)]
        limits = torch.tensor((low, span), dtype=u.dtype).to(u.device)
        return (limits[0] + u * limits[1])[:, :, None, None, None].unbind(1)


def _grey(pixels: Tensor) -> Tensor:
    """The luminance [K, 1, H, W]."""
    if pixels.shape[1] == 1:
        return pixels
    red, green, blue = pixels.unbind(1)
    return (_GREY[0] * red + _GREY[1] * green + _GREY[2] * blue)[:, None]
