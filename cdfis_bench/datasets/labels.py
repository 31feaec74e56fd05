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
        labels: Any shape with one entry per row.
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
    whole = flat.astype(np.int64)
    require(bool((whole == flat).all()), f"{where}: {name} holds labels that are not whole numbers")
    low, high = int(whole.min()), int(whole.max())
    require(
        low >= 0 and high < n_classes,
        f"{where}: {name} holds labels from {low} to {high}; {n_classes} classes are "
        f"0 to {n_classes - 1}",
    )
    return torch.from_numpy(whole)
