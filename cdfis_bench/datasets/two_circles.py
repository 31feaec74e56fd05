"""Two Circles: points in a square, classified as inside or outside two discs."""

import torch
from torch import Generator, Tensor

from cdfis_bench.core.errors import require_whole
from cdfis_bench.core.streams import stream
from cdfis_bench.datasets.dataset import Dataset, TensorSamples
from cdfis_bench.datasets.two_circles_geometry import CENTRES, RADIUS

TRAIN_SIZE, TEST_SIZE, DATA_SEED = 50_000, 10_000, 0  # of what is called "Two Circles"
LARGEST = 10**9  # samples


def draw_points(n: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Draws points uniformly in the square [-1, 1]^2.

    Args:
        n: Number of points.
        generator: On the CPU.

    Returns:
        x, float32 [n, 2], and y, int64 [n]: 1 inside a disc, 0 outside.

    Source: Knutsson et al. 2023, section 5.1.
    """
    x = torch.rand(n, 2, generator=generator) * 2 - 1
    distance = torch.cdist(x, torch.tensor(CENTRES))  # [n, 2]
    return x, (distance < RADIUS).any(dim=1).long()


class TwoCircles:
    """A finite training set and a fixed test set of Two Circles points.

    The points depend on `data_seed` only, not on the run's seed: like any published set they are
    the same in every run, so that the importance of a sample can be compared between runs.

    Args:
        train_size: Number of training samples.
        test_size: Number of test samples.
        data_seed: Seed of the points.
    """

    def __init__(
        self,
        train_size: int = TRAIN_SIZE,
        test_size: int = TEST_SIZE,
        data_seed: int = DATA_SEED,
    ) -> None:
        self._sizes = {
            "train": require_whole("dataset.train_size", train_size, 1, LARGEST),
            "test": require_whole("dataset.test_size", test_size, 1, LARGEST),
        }
        self._data_seed = require_whole("dataset.data_seed", data_seed, 0)

    def fingerprint(self) -> str:
        """Empty: the configuration determines the data."""
        return ""

    def load(self, device: torch.device) -> Dataset:
        """Draws the points."""
        parts = {
            part: TensorSamples(
                *draw_points(size, stream(self._data_seed, f"two_circles/{part}")), device
            )
            for part, size in self._sizes.items()
        }
        return Dataset(self._title(), parts["train"], parts["test"], 2, (2,))

    def _title(self) -> str:
        """The plain name for the default points; otherwise with what is different about these."""
        differences = []
        if self._sizes["train"] != TRAIN_SIZE:
            differences.append(f"{self._sizes['train']:,} points")
        if self._sizes["test"] != TEST_SIZE:
            differences.append(f"{self._sizes['test']:,} test points")
        if self._data_seed != DATA_SEED:
            differences.append(f"data seed {self._data_seed}")
        return f"Two Circles ({', '.join(differences)})" if differences else "Two Circles"
