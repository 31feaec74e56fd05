"""HDF5 images as a memory-mapped .npy file: written once, read like memory.

Reading compressed HDF5 chunks takes 9 to 100 times as long as reading memory, on every access of
every run. A mapped file is as fast as memory once the system has cached it, and needs none of its
own.
"""

import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
from filelock import FileLock

from cdfis_bench.core.errors import UserError

BYTES_AT_ONCE = 1 << 25


def mapped(source: Path, key: str, cache_dir: Path | None) -> np.ndarray:
    """Opens an HDF5 dataset as an array on a mapped file, its rows in the same order.

    The mapped file is written atomically, and only once if several runs start at the same time.
    Another version of the source (size or time) gets another one.

    Args:
        source: The HDF5 file.
        key: The dataset in it.
        cache_dir: Where the mapped file goes; beside the source if None.

    Returns:
        An array that can be written to without changing the file.

    Raises:
        UserError: If the source cannot be read, or the mapped file cannot be written.
    """
    folder = cache_dir or source.parent
    state = source.stat()
    version = f"{source.resolve()}/{key}/{state.st_size}/{state.st_mtime_ns}"
    cache = folder / f"{source.stem}-{hashlib.sha256(version.encode()).hexdigest()[:10]}.npy"
    if not cache.exists():
        _write(source, key, cache)
    try:
        # Copy-on-write: torch accepts writable memory only, and no write reaches the file.
        return np.load(cache, mmap_mode="c")
    except (OSError, ValueError, EOFError) as error:
        raise UserError(
            f"the cache {cache} cannot be read ({error}); delete it, and it is written again"
        ) from error


def _write(source: Path, key: str, cache: Path) -> None:
    draft = cache.with_suffix(".tmp")
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(cache.with_suffix(".lock")):
            if cache.exists():  # another run has written it meanwhile
                return
            try:
                # Not through a mapped file: there a full disk kills the process without a message.
                with draft.open("wb") as out:
                    for part in _npy(source, key):
                        out.write(part)
                    out.flush()
                    os.fsync(out.fileno())
                os.replace(draft, cache)
            finally:
                draft.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            f"the cache of {source.name} cannot be written in {cache.parent} "
            f"({error.strerror or error}); set dataset.cache_dir to another folder, with room for "
            "the uncompressed images"
        ) from error


def _npy(source: Path, key: str) -> Iterator[bytes | memoryview]:
    """The dataset in the .npy format, in parts. Raises UserError if it cannot be read."""
    try:
        with h5py.File(source) as file:
            rows = file[key]
            assert isinstance(rows, h5py.Dataset)  # the caller has checked
            yield _header(rows)
            step = max(1, BYTES_AT_ONCE // (rows.nbytes // len(rows)))
            for start in range(0, len(rows), step):
                yield rows[start : start + step].data
    except OSError as error:
        raise UserError(
            f"{source} cannot be read to its end ({error}); the file is truncated or damaged, "
            "get it again"
        ) from error


def _header(rows: h5py.Dataset) -> bytes:
    out = io.BytesIO()
    about = {
        "descr": np.lib.format.dtype_to_descr(rows.dtype),
        "fortran_order": False,
        "shape": rows.shape,
    }
    np.lib.format.write_array_header_1_0(out, about)
    return out.getvalue()
