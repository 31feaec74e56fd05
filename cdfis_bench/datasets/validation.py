"""A validation set: a part of the training set that is held out of training."""

from dataclasses import replace

import torch
from torch import Tensor

from cdfis_bench.core.errors import require, require_number
from cdfis_bench.core.streams import stream
from cdfis_bench.datasets.dataset import Dataset
from cdfis_bench.datasets.subset import Subset, trained_on

KEY = "dataset.validation_fraction"


def require_fraction(value: object) -> float:
    """Returns the fraction. Raises UserError unless it is a number in [0, 1)."""
    fraction = require_number(KEY, value, 0, 1)
    require(fraction < 1, f"{KEY}={value} leaves no training samples; use a number in [0, 1)")
    return fraction


def hold_out(dataset: Dataset, fraction: float, seed: int, least: int) -> Dataset:
    """Splits a validation set off the training set.

    The samples are drawn from each class by itself, from the stream "validation" of the seed: all
    arms of a seed have the same validation set, whatever part of the rest they keep.

    Args:
        dataset: The dataset as published.
        fraction: Of the training set, in [0, 1); 0 returns `dataset` as it is.
        seed: Of the run.
        least: Training samples that must be left, `large_batch_size`.

    Returns:
        The dataset with the remaining training samples, in their order, and the validation set.

    Raises:
        UserError: If a class had no validation or no training sample, or too few samples are left.
    """
    if fraction == 0:
        return dataset
    labels = dataset.train.y.cpu()
    held_out = held_out_rows(labels, dataset.n_classes, fraction, seed)
    left = torch.ones(len(labels), dtype=torch.bool)
    left[held_out] = False
    rest = left.nonzero()[:, 0]
    require(
        len(rest) >= least,
        f"{KEY}={fraction:g} leaves {len(rest)} of {len(labels)} training samples, fewer than "
        f"large_batch_size={least}; lower it, or large_batch_size",
    )
    return replace(trained_on(dataset, rest), validation=Subset(dataset.train, held_out))


def held_out_rows(labels: Tensor, n_classes: int, fraction: float, seed: int) -> Tensor:
    """Draws the rows of the validation set.

    Args:
        labels: Of the training set, int64 [n] on the CPU.
        n_classes: Number of classes; one without training samples is passed over.
        fraction: Of each class, in (0, 1); rounded to whole samples.
        seed: Of the run.

    Returns:
        Rows of the training set, int64 [m], sorted.

    Raises:
        UserError: If a class had no validation or no training sample.
    """
    order = torch.randperm(len(labels), generator=stream(seed, "validation"))
    parts: list[Tensor] = []
    for number in range(n_classes):
        of_class = order[labels[order] == number]
        n = len(of_class)
        m = round(n * fraction)
        if n:
            kind = "validation" if m == 0 else "training"
            require(
                0 < m < n,
                f"{KEY}={fraction:g} leaves no {kind} sample of class {number}, which has {n}; "
                f"{'raise' if m == 0 else 'lower'} it, or use 0 for no validation set",
            )
        parts.append(of_class[:m])
    return torch.cat(parts).sort().values
