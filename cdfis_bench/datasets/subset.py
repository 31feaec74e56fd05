"""A part of a training set as a training set of its own."""

from dataclasses import replace

from torch import Tensor

from cdfis_bench.core.types import Batch, Samples
from cdfis_bench.datasets.dataset import Dataset


class Subset:
    """Some of the samples of another set; row i here is row rows[i] there.

    Args:
        samples: The whole set.
        rows: int64 [m].
    """

    def __init__(self, samples: Samples, rows: Tensor) -> None:
        self.samples = samples
        self.rows = rows.to(samples.index_device)
        self.y = samples.y.index_select(0, rows.to(samples.y.device))
        self.index_device = samples.index_device

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, index: Tensor) -> Batch:
        """The samples in the rows `index`, int64 [K], of this part."""
        whole = self.samples.batch(self.rows.index_select(0, index))
        return Batch(whole.x, whole.y, index.to(whole.y.device))


def trained_on(dataset: Dataset, rows: Tensor) -> Dataset:
    """The dataset with only `rows` of its training set; the other sets stay whole."""
    train = dataset.train
    if isinstance(train, Subset):  # one look-up per batch, however many parts were taken
        train, rows = train.samples, train.rows.index_select(0, rows.to(train.rows.device))
    return replace(dataset, train=Subset(train, rows))
