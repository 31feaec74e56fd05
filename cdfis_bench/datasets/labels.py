"""Checks labels."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cdfis_bench.core.errors import require


def checked_labels(
    labels: np.ndarray, name: str, where: Path | str, rows: int, n_classes: int
) -> Tensor:
    """Checks and converts labels.

    Args:
        labels: One entry per row: [rows], with further dimensions of size 1.
        name: What to call the labels in a message.
        where: What to call their file in a message.
        rows: Number of samples.
        n_classes: Number of classes.

    Returns:
        int64 [rows].

    Raises:
        UserError: If there is not one label per row, or a label is not an integer in
            0..n_classes-1.
    """
    shape = np.shape(labels)
    require(
        len(shape) - shape.count(1) <= 1,
        f"{where}: {name} of shape {shape} holds several values per sample, but a sample has one "
        f"class, 0 to {n_classes - 1}; store the class (argmax of a one-hot row)",
    )
    flat = np.asarray(labels).reshape(-1)
    require(
        flat.dtype.kind in "iuf" and bool(np.isfinite(flat).all()),
        f"{where}: {name} is {flat.dtype} or holds values that are not finite; labels are whole "
        f"numbers from 0 to {n_classes - 1}",
    )
    require(rows > 0, f"{where}: {name} has no samples")
    require(
        len(flat) == rows,
        f"{where}: {name} has {len(flat)} labels for {rows} samples; they must be as many",
    )
    require(
        flat.dtype.kind != "f" or bool((flat == np.floor(flat)).all()),
        f"{where}: {name} holds labels that are not whole numbers; this suite trains classifiers, "
        f"whose labels are 0 to {n_classes - 1}",
    )
    low, high = int(flat.min()), int(flat.max())  # before the conversion, which could wrap around
    require(
        low >= 0 and high < n_classes,
        f"{where}: {name} holds labels from {low} to {high}; {n_classes} classes are "
        f"0 to {n_classes - 1}",
    )
    return torch.from_numpy(flat.astype(np.int64))
