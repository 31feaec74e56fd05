"""No augmentation."""

from torch import Tensor

from cdfis_bench.core.augment import Augment


class NoAugment(Augment):
    """Leaves every sample as it is, and draws nothing."""

    def apply(self, x: Tensor, u: Tensor) -> Tensor:
        """Returns x."""
        return x
