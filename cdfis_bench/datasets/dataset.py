"""A dataset as the engine sees it."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from cdfis_bench.core.types import Batch, Samples


@dataclass(frozen=True, slots=True)
class Dataset:
    """A training set and a test set, with what every figure and record says about them.

    title: the honest name of the data, shown in every figure ("Two Circles", "PCam stand-in
    (procedural)").
    """

    title: str
    train: Samples
    test: Samples
    n_classes: int
    sample_shape: tuple[int, ...]


class DataSource(Protocol):
    """What a dataset's YAML makes: knows where the data is, and loads it."""

    def fingerprint(self) -> str:
        """What tells this data from other data under the same configuration; part of a run's id.

        "" where the configuration says it all. Raises UserError if the data is not there.
        """
        ...

    def load(self, device: torch.device) -> Dataset: ...


class TensorSamples:
    """Samples whose float32 values lie on the device of the run as they are.

    x: [n, *D] float32. y: [n] int64.
    """

    def __init__(self, x: Tensor, y: Tensor, device: torch.device) -> None:
        self.x = x.to(device)
        self.y = y.to(device)
        self.index_device = self.y.device

    def __len__(self) -> int:
        return self.y.shape[0]

    def batch(self, index: Tensor) -> Batch:
        return Batch(x=self.x.index_select(0, index), y=self.y.index_select(0, index), index=index)
