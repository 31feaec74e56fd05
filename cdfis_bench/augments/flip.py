"""Horizontal flips."""

from torch import Tensor

from cdfis_bench.core.augment import Augment, where
from cdfis_bench.core.errors import require_number


class FlipAugment(Augment):
    """Mirrors left and right with a probability, as torchvision's RandomHorizontalFlip."""

    draws = 1

    def __init__(self, probability: float = 0.5) -> None:
        """Takes the probability of a flip, in [0, 1]."""
        self.probability = require_number("augment.probability", probability, 0.0, 1.0)

    def apply(self, x: Tensor, u: Tensor) -> Tensor:
        """Returns the images [K, C, H, W], some of them mirrored, by u [K, 1]."""
        return where(u[:, 0] < self.probability, x.flip(3), x)
