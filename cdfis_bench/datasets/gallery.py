"""The training samples as a figure shows them: NumPy arrays, so that figures need no PyTorch."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Gallery:
    """Training samples by row, as they are in the files: not normalized.

    Attributes:
        labels: Class of each of the n samples. [n]
        n_classes: Number of classes.
        sample_shape: Shape of one sample as the model sees it, such as (3, 96, 96).
        picture: From a row to its image, uint8 [H, W, C] with C = 1 or 3; None if the samples are
            not images.
        points: The samples as points in a plane, [n, 2]; None if they are not.
    """

    labels: NDArray[np.int64]
    n_classes: int
    sample_shape: tuple[int, ...]
    picture: Callable[[int], Picture] | None
    points: NDArray[np.float32] | None

    def part(self, rows: NDArray[np.int64]) -> "Gallery":
        """The samples `rows` [m] as a gallery of their own; row i of it is row rows[i] here."""
        show = self.picture
        return replace(
            self,
            labels=self.labels[rows],
            picture=None if show is None else lambda row: show(int(rows[row])),
            points=None if self.points is None else self.points[rows],
        )
