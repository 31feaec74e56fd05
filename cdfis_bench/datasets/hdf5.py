"""HDF5 files as data: only what lies in the file itself is read.

A link, a virtual dataset or external storage lets a file name any other file of this machine, whose
bytes would then be trained on as if they were the data, and whose changes no fingerprint sees.
"""

from pathlib import Path

import h5py

from cdfis_bench.core.errors import UserError


def own_dataset(file: h5py.File, key: str, path: Path) -> h5py.Dataset:
    """The dataset `key` of an open file.

    Args:
        file: The file.
        key: A name without slashes.
        path: The file's path, for messages.

    Returns:
        The dataset, whose values all lie in this file.

    Raises:
        UserError: If it is something else, or its values lie in another file.
        KeyError: If there is nothing of this name.
    """
    link = file.get(key, getlink=True)
    if link is None:
        raise KeyError(key)
    if not isinstance(link, h5py.HardLink):
        raise _elsewhere(path, key, "a link to another place")
    found = file[key]
    if not isinstance(found, h5py.Dataset):
        raise UserError(f"{path}: {key} is a group, but must be an array of numbers")
    if found.is_virtual:
        raise _elsewhere(path, key, "a virtual dataset")
    if found.external:
        raise _elsewhere(path, key, "stored in another file")
    if found.shape is None or found.dtype.kind not in "biufc":
        raise UserError(f"{path}: {key} is {_kind(found)}, but must be an array of numbers")
    return found


def _elsewhere(path: Path, key: str, what: str) -> UserError:
    return UserError(
        f"{path}: {key} is {what}, which is not followed; write its values into this file"
    )


def _kind(found: h5py.Dataset) -> str:
    return "empty" if found.shape is None else f"of type {found.dtype}"
