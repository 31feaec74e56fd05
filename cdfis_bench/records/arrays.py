"""arrays.h5: numbers that lie in the file itself, and nothing else."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

# What h5py raises for a file that is damaged.
ERRORS = (OSError, KeyError, ValueError, TypeError, RuntimeError, MemoryError, OverflowError)


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays to a file, uncompressed. Raises OSError if there is no room for them."""
    if hasattr(os, "posix_fallocate"):  # HDF5 crashes at exit if a disk fills while it writes
        room = sum(values.nbytes for values in arrays.values()) + 4096 * (len(arrays) + 1)
        with path.open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, room)
    try:
        with h5py.File(path, "w") as file:
            for name, values in arrays.items():
                file.create_dataset(name, data=values)
    except RuntimeError as error:
        raise OSError(0, str(error)) from error


def read_array(path: Path, name: str) -> np.ndarray:
    """Reads one array.

    Args:
        path: The file.
        name: Its name, with slashes.

    Returns:
        The array.

    Raises:
        One of ERRORS: If it is missing or damaged, is no array of numbers, points to another place
            (links, virtual datasets, external storage), or claims more bytes than the file has.
    """
    with h5py.File(path, "r") as file:
        values = _node(file, name)
        if not isinstance(values, h5py.Dataset):
            raise KeyError(f"{name} is not an array")
        if values.is_virtual or values.external:
            raise ValueError(f"{name} is stored in another file, which is not opened")
        if values.dtype.kind not in "biuf":
            raise ValueError(f"{name} is no array of numbers")
        if values.nbytes > path.stat().st_size:  # a compressed or unwritten array, or a bomb
            raise ValueError(f"{name} is larger than its file")
        return values[()]


def array_names(path: Path, group: str) -> list[str]:
    """Names below `group`, sorted; empty if there is no such group. Raises as `read_array` does."""
    with h5py.File(path, "r") as file:
        try:
            found = _node(file, group)
        except KeyError:
            return []
        return sorted(found) if isinstance(found, h5py.Group) else []


def _node(file: h5py.File, name: str) -> Any:
    """The object called `name`, reached through no link to another place."""
    node: Any = file
    for part in filter(None, name.split("/")):
        link = node.get(part, getlink=True) if isinstance(node, h5py.Group) else None
        if link is None:
            raise KeyError(f"there is no {name}")
        if not isinstance(link, h5py.HardLink):
            raise ValueError(f"{name} is a link, which is not followed")
        node = node[part]
    return node
