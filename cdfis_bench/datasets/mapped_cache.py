"""HDF5 images as a mapped .npy file: written once, read like memory.

Compressed HDF5 chunks cost 9 to 100 times a read from memory, on every access of every run; a
mapped file costs the same as memory once the system has cached it, and needs none of its own.
"""

import hashlib
import os
import tempfile
from pathlib import Path

import h5py
import numpy as np

from cdfis_bench.core.errors import UserError

ROWS_AT_ONCE = 1024


def mapped(source: Path, key: str, cache_dir: Path | None) -> np.ndarray:
    """The dataset `key` of the HDF5 file `source` as an array on a mapped file.

    The cache lies in cache_dir (beside the source if None). Another version of the source (size or
    time) gets another cache. It is written to a draft and renamed, so it is whole or not there.
    Raises UserError if the source cannot be read or the cache not be written.
    """
    folder = cache_dir or source.parent
    state = source.stat()
    version = f"{source.resolve()}/{key}/{state.st_size}/{state.st_mtime_ns}"
    cache = folder / f"{source.stem}-{hashlib.sha256(version.encode()).hexdigest()[:10]}.npy"
    if not cache.exists():
        _write(source, key, cache)
    # Copy-on-write: torch takes writable memory only, and nothing written reaches the file.
    return np.load(cache, mmap_mode="c")


def _write(source: Path, key: str, cache: Path) -> None:
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=cache.parent, suffix=".tmp")
        os.close(handle)
    except OSError as error:
        raise UserError(
            f"the cache of {source.name} cannot be written in {cache.parent} ({error.strerror}); "
            "name a folder with dataset.cache_dir"
        ) from error
    try:
        with h5py.File(source) as file:
            rows = file[key]
            out = np.lib.format.open_memmap(draft, "w+", dtype=rows.dtype, shape=rows.shape)
            for start in range(0, len(rows), ROWS_AT_ONCE):
                out[start : start + ROWS_AT_ONCE] = rows[start : start + ROWS_AT_ONCE]
            out.flush()
        os.replace(draft, cache)
    except OSError as error:
        raise UserError(
            f"{source} cannot be read to its end ({error}); the file is truncated or damaged, "
            "get it again"
        ) from error
    finally:
        Path(draft).unlink(missing_ok=True)
