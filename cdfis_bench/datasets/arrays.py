"""Your own data: images or vectors from one .npz or .h5 file."""

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import torch

from cdfis_bench.core.errors import UserError, require, require_text, require_whole
from cdfis_bench.core.types import PixelScale, Samples
from cdfis_bench.datasets.dataset import Dataset, TensorSamples
from cdfis_bench.datasets.fingerprint import of_files
from cdfis_bench.datasets.hdf5 import own_dataset
from cdfis_bench.datasets.images import ImageSamples, as_tensor, channel_statistics
from cdfis_bench.datasets.labels import checked_labels
from cdfis_bench.datasets.mapped_cache import mapped

# What NumPy, zipfile and h5py raise for damaged bytes, which they document nowhere; found by
# flipping bits (tests/datasets/test_damaged_files.py).
_UNREADABLE = (
    OSError, ValueError, LookupError, EOFError, SyntaxError, RuntimeError, TypeError,
    ArithmeticError, struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
KEYS = ("x_train", "y_train", "x_test", "y_test")
MAPPED_ABOVE_BYTES = 1 << 30
LARGEST_FLOAT32 = float(np.finfo(np.float32).max)
OTHER_FORMATS = {
    ".csv": "read it with pandas and write the arrays with np.savez",
    ".tsv": "read it with pandas and write the arrays with np.savez",
    ".mat": "read it with scipy.io.loadmat and write the arrays with np.savez",
    ".npy": "it holds one array; write all four with np.savez",
    ".zip": "unpack it, and write the arrays with np.savez",
    ".pt": "read it with torch.load and write the arrays with np.savez",
    ".pkl": "write the arrays with np.savez",
}


class Arrays:
    """A file with x_train, y_train, x_test and y_test.

    x holds uint8 images [n, H, W], [n, H, W, C] or [n, C, H, W] with C = 1 or 3, which are
    normalized by the training set's mean and standard deviation, or float vectors or images, which
    are used as they are.

    Args:
        path: The file. Images of an .npz must fit in memory; large ones of an .h5 need not.
        classes: Number of classes.
        title: Name of the data in figures; the file's name if None.
        cache_dir: Where the mapped copy of large .h5 images goes; beside the file if None.

    Raises:
        UserError: If there is no path, or `classes` is not a number of classes.
    """

    def __init__(
        self,
        path: str | None,
        classes: int,
        title: str | None = None,
        cache_dir: str | None = None,
    ) -> None:
        require(
            bool(require_text("dataset.path", path)),
            f"dataset=arrays needs dataset.path=<file>.npz or .h5 with {', '.join(KEYS)}",
        )
        self._path = Path(str(path)).expanduser()
        self._classes = require_whole("dataset.classes", classes, 2)
        self._title = require_text("dataset.title", title) or self._path.name
        cache = require_text("dataset.cache_dir", cache_dir)
        self._cache_dir = Path(cache).expanduser() if cache else None

    def fingerprint(self) -> str:
        """Identifies the file's contents. Raises UserError if the file is not there."""
        _require_file(self._path)
        return of_files([self._path])

    def load(self, device: torch.device) -> Dataset:
        """Loads the file. Raises UserError if it cannot be used."""
        arrays = self._read()
        train_x, test_x = arrays["x_train"], arrays["x_test"]
        for name, x in (("x_train", train_x), ("x_test", test_x)):
            require(x.ndim >= 2, f"{self._path}: {name} of shape {x.shape} must be (n, ...)")
            require(len(x) > 0, f"{self._path}: {name} has no samples")
            require(
                x.size > 0, f"{self._path}: {name} of shape {x.shape} has samples without values"
            )
        require(
            train_x.shape[1:] == test_x.shape[1:] and train_x.dtype == test_x.dtype,
            f"{self._path}: x_train is {train_x.dtype} {train_x.shape[1:]} a sample, x_test "
            f"{test_x.dtype} {test_x.shape[1:]}; they must be alike",
        )
        labels = {
            part: checked_labels(
                arrays[f"y_{part}"], f"y_{part}", self._path, len(x), self._classes
            )
            for part, x in (("train", train_x), ("test", test_x))
        }
        samples: tuple[Samples, Samples]
        if train_x.dtype == np.uint8:
            images = [as_tensor(_channels_last(x, self._path)) for x in (train_x, test_x)]
            mean, std = channel_statistics(images[0])
            samples = (
                ImageSamples(images[0], labels["train"], mean, std, device),
                ImageSamples(images[1], labels["test"], mean, std, device),
            )
            height, width, channels = images[0].shape[1:]
            shape, scale = (channels, height, width), PixelScale(mean, std)
        else:
            vectors = [
                _floats(x, name, self._path)
                for x, name in ((train_x, "x_train"), (test_x, "x_test"))
            ]
            samples = (
                TensorSamples(vectors[0], labels["train"], device),
                TensorSamples(vectors[1], labels["test"], device),
            )
            shape, scale = tuple(vectors[0].shape[1:]), None
        return Dataset(self._title, *samples, self._classes, shape, scale)

    def _read(self) -> Mapping[str, np.ndarray]:
        path = self._path
        _require_file(path)
        readers = {".npz": _in_npz, ".h5": self._in_h5, ".hdf5": self._in_h5}
        how = OTHER_FORMATS.get(path.suffix.lower(), "write the arrays with np.savez")
        require(
            path.suffix in readers, f"dataset.path={path} must end in {', '.join(readers)}; {how}"
        )
        try:
            arrays = readers[path.suffix](path)
        except MemoryError as error:
            raise UserError(
                f"{path} does not fit in memory ({error}); uint8 images in an .h5 file need not"
            ) from error
        except _UNREADABLE as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0][:120]
            raise UserError(f"{path} cannot be read ({reason}); is it complete?") from error
        return arrays

    def _in_h5(self, path: Path) -> Mapping[str, np.ndarray]:
        with h5py.File(path) as file:
            _require_keys(path, list(file))
            arrays: dict[str, np.ndarray] = {}
            for key in KEYS:
                rows = own_dataset(file, key, path)
                if rows.dtype == np.uint8 and rows.nbytes > MAPPED_ABOVE_BYTES:
                    arrays[key] = mapped(path, key, self._cache_dir)
                else:
                    arrays[key] = rows[()]
            return arrays


def _require_file(path: Path) -> None:
    require(
        not path.is_dir(),
        f"dataset.path={path} is a folder; name one .npz or .h5 file with {', '.join(KEYS)}",
    )
    require(path.is_file(), f"dataset.path={path} is not there; name a .npz or .h5 file")


def _require_keys(path: Path, found: list[str]) -> None:
    missing = [key for key in KEYS if key not in found]
    if missing:
        listed = ", ".join(repr(name[:24])[1:-1][:24] for name in found[:6]) or "nothing"
        more = ", ..." if len(found) > 6 else ""
        raise UserError(
            f"{path} has no {', '.join(missing)}, it holds {listed}{more}; save the arrays under "
            f"the names {', '.join(KEYS)}"
        )


def _in_npz(path: Path) -> Mapping[str, np.ndarray]:
    # NumPy would take any other file for a pickle and give advice about those.
    require(zipfile.is_zipfile(path), f"{path} is not an .npz file, or was cut off; write it again")
    with np.load(path, allow_pickle=False) as file:
        _require_keys(path, file.files)
        return {key: _plain(file, key, path) for key in KEYS}


def _plain(file: Mapping[str, np.ndarray], key: str, path: Path) -> np.ndarray:
    """The array `key` of an .npz. Objects are never unpickled: that would run code of the file."""
    try:
        return file[key]
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        raise UserError(
            f"{path}: {key} holds pickled Python objects, which are not read; save it as numbers, "
            "such as np.stack(images).astype(np.uint8)"
        ) from error


def _channels_last(x: np.ndarray, path: Path) -> np.ndarray:
    """uint8 images as [n, H, W, C]."""
    if x.ndim == 3:
        return x[..., None]
    require(x.ndim == 4, f"{path}: uint8 samples must be images, not of shape {x.shape[1:]}")
    if x.shape[-1] in (1, 3):
        return x
    require(
        x.shape[1] in (1, 3), f"{path}: images of shape {x.shape[1:]} do not have 1 or 3 channels"
    )
    return x.transpose(0, 2, 3, 1)


def _floats(x: np.ndarray, name: str, path: Path) -> torch.Tensor:
    require(
        x.dtype.kind == "f" and x.ndim >= 2,
        f"{path}: {name} is {x.dtype} {x.shape}; samples must be uint8 images or floats (n, ...)",
    )
    require(bool(np.isfinite(x).all()), f"{path}: {name} holds values that are not finite")
    require(
        x.dtype.itemsize <= 4 or max(-x.min(), x.max()) <= LARGEST_FLOAT32,
        f"{path}: {name} holds {x.dtype} values above {LARGEST_FLOAT32:.3g}, which do not fit into "
        "float32; scale them down",
    )
    return as_tensor(np.asarray(x, dtype=np.float32))
