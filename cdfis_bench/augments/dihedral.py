"""The eight symmetries of a square."""

from torch import Tensor

from cdfis_bench.core.augment import Augment, ImageFacts, where
from cdfis_bench.core.errors import require


class DihedralAugment(Augment):
    """Flips and quarter turns, all eight combinations equally likely.

    For images without an upright orientation, such as tissue sections.
    """

    draws = 3  # diagonal, horizontal and vertical flip

    def setup(self, images: ImageFacts) -> None:
        """Raises UserError for images that are not square."""
        _, height, width = images.shape
        require(
            height == width,
            f"augment=dihedral turns images by quarters, but they are {height} x {width}; use "
            "augment=flip",
        )

    def apply(self, x: Tensor, u: Tensor) -> Tensor:
        """Returns the images [K, C, H, W], flipped and turned by u [K, 3]."""
        diagonal, horizontal, vertical = (u < 0.5).T
        x = where(diagonal, x.mT, x)
        x = where(horizontal, x.flip(3), x)
        return where(vertical, x.flip(2), x)
