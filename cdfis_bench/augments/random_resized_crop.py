"""A random part of each image, enlarged to the image's size."""

import math

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from cdfis_bench.core.augment import Augment
from cdfis_bench.core.errors import require, require_number

_WIDEST = 100.0  # ratio of the sides


class RandomResizedCropAugment(Augment):
    """Cuts out a rectangle of random area, shape and place, and enlarges it; may flip it.

    As torchvision's RandomResizedCrop, whose area and logarithm of the aspect ratio are uniform,
    followed by RandomHorizontalFlip. A rectangle that is too long for the image is shortened to it;
    torchvision draws again instead, up to ten times. Enlarged with bilinear interpolation.

    Source: Szegedy et al. 2015.
    """

    draws = 5  # area, ratio, vertical and horizontal place, flip

    def __init__(
        self,
        scale: tuple[float, float] = (0.25, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
        probability: float = 0.5,
    ) -> None:
        """Makes the augmentation.

        Args:
            scale: Smallest and largest share of the image's area, in (0, 1].
            ratio: Smallest and largest width / height, in (0, 100].
            probability: Of a flip, in [0, 1].
        """
        self.scale = _range("augment.scale", scale, 1.0)
        self.ratio = _range("augment.ratio", ratio, _WIDEST)
        self.probability = require_number("augment.probability", probability, 0.0, 1.0)

    def apply(self, x: Tensor, u: Tensor) -> Tensor:
        """Returns the images [K, C, H, W], each a part of what it was, by u [K, 5]."""
        height, width = x.shape[2:]
        top, left, rows, columns = self.boxes(u, height, width)
        across = _places(left, columns, width)  # [K, W]
        across = torch.where((u[:, 4] < self.probability)[:, None], across.flip(1), across)
        down = _places(top, rows, height)  # [K, H]
        # Positions of pixel centres in [-1, 1], as grid_sample has them.
        across, down = (2 * across + 1) / width - 1, (2 * down + 1) / height - 1
        shape = len(x), height, width
        grid = torch.stack([across[:, None].expand(shape), down[:, :, None].expand(shape)], 3)
        return grid_sample(x, grid.to(x.dtype), align_corners=False, padding_mode="border")

    def boxes(self, u: Tensor, height: int, width: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Top, left, height and width in pixels of the rectangles of u [K, 5]: int64 [K] each."""
        low, high = self.scale
        area = (low + u[:, 0] * (high - low)) * (height * width)
        start, end = (math.log(value) for value in self.ratio)
        ratio = (start + u[:, 1] * (end - start)).exp()
        rows = (area / ratio).sqrt().round().clamp(1, height)
        columns = (area * ratio).sqrt().round().clamp(1, width)
        top = (u[:, 2] * (height - rows + 1)).floor().minimum(height - rows)
        left = (u[:, 3] * (width - columns + 1)).floor().minimum(width - columns)
        return top.long(), left.long(), rows.long(), columns.long()


def _places(start: Tensor, length: Tensor, size: int) -> Tensor:
    """Where `size` pixels lie in the original, within a part of it: [K, size], float32."""
    centre = torch.arange(size, device=start.device) + 0.5
    place = centre * (length / size)[:, None] - 0.5
    return start[:, None] + place.clamp(min=0).minimum((length - 1)[:, None])


def _range(name: str, given: object, highest: float) -> tuple[float, float]:
    """Two numbers in (0, highest], in order. Raises UserError otherwise."""
    require(
        isinstance(given, list | tuple) and len(given) == 2,
        f"{name}={given!r} must be two numbers, the smallest and the largest",
    )
    assert isinstance(given, list | tuple)
    low, high = (require_number(name, one, 0.0, highest, open_low=True) for one in given)
    require(low <= high, f"{name}=[{low:g}, {high:g}] is out of order; give the smaller one first")
    return low, high
