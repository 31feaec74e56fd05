"""A part of a training set, as a training set of its own."""

from dataclasses import replace

from torch import Tensor

from cdfis_bench.core.types import Batch, Samples
from cdfis_bench.datasets.dataset import Dataset


class Subset:
    """The samples `rows` [m] int64 of others; row i of it is row rows[i] there."""

    def __init__(self, samples: Samples, rows: Tensor) -> None:
        self.samples = samples
        self.rows = rows.to(samples.index_device)
        self.y = samples.y.index_select(0, rows.to(samples.y.device))
        self.index_device = samples.index_device

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, index: Tensor) -> Batch:
        whole = self.samples.batch(self.rows.index_select(0, index))
        return Batch(whole.x, whole.y, index.to(whole.y.device))


def trained_on(dataset: Dataset, rows: Tensor) -> Dataset:
    """`dataset` with its training set cut down to `rows`; the test set stays whole."""
    return replace(dataset, train=Subset(dataset.train, rows))
