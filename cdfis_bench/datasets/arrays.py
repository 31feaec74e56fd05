"""Your own data: images or vectors from one .npz or .h5 file."""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import torch

from cdfis_bench.core.errors import UserError, require
from cdfis_bench.core.types import Samples
from cdfis_bench.datasets.dataset import Dataset, TensorSamples
from cdfis_bench.datasets.fingerprint import of_files
from cdfis_bench.datasets.images import ImageSamples, as_tensor, channel_statistics
from cdfis_bench.datasets.labels import checked_labels
from cdfis_bench.datasets.mapped_cache import mapped

KEYS = ("x_train", "y_train", "x_test", "y_test")
MAPPED_ABOVE_BYTES = 1 << 30


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
            path is not None,
            f"dataset=arrays needs dataset.path=<file>.npz or .h5 with {', '.join(KEYS)}",
        )
        require(
            isinstance(classes, int) and classes >= 2,
            f"dataset.classes={classes!r} must be a whole number of at least 2",
        )
        self._path = Path(str(path))
        self._classes = classes
        self._title = title or self._path.name
        self._cache_dir = Path(cache_dir) if cache_dir else None

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
            shape = (channels, height, width)
        else:
            vectors = [
                _floats(x, name, self._path)
                for x, name in ((train_x, "x_train"), (test_x, "x_test"))
            ]
            samples = (
                TensorSamples(vectors[0], labels["train"], device),
                TensorSamples(vectors[1], labels["test"], device),
            )
            shape = tuple(vectors[0].shape[1:])
        return Dataset(self._title, *samples, self._classes, shape)

    def _read(self) -> Mapping[str, np.ndarray]:
        path = self._path
        _require_file(path)
        readers = {".npz": _in_npz, ".h5": self._in_h5, ".hdf5": self._in_h5}
        require(path.suffix in readers, f"dataset.path={path} must end in {', '.join(readers)}")
        try:
            arrays = readers[path.suffix](path)
        except MemoryError as error:
            raise UserError(
                f"{path} does not fit in memory ({error}); uint8 images in an .h5 file need not"
            ) from error
        except (OSError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise UserError(f"{path} cannot be read ({error}); is it complete?") from error
        missing = [key for key in KEYS if key not in arrays]
        require(not missing, f"{path} has no {', '.join(missing)}; it must hold {', '.join(KEYS)}")
        return arrays

    def _in_h5(self, path: Path) -> Mapping[str, np.ndarray]:
        with h5py.File(path) as file:
            arrays: dict[str, np.ndarray] = {}
            for key in KEYS:
                rows = file.get(key)
                if not isinstance(rows, h5py.Dataset):
                    continue
                if rows.dtype == np.uint8 and rows.nbytes > MAPPED_ABOVE_BYTES:
                    arrays[key] = mapped(path, key, self._cache_dir)
                else:
                    arrays[key] = rows[()]
            return arrays


def _require_file(path: Path) -> None:
    require(path.is_file(), f"dataset.path={path} is not there; name a .npz or .h5 file")


def _in_npz(path: Path) -> Mapping[str, np.ndarray]:
    # NumPy would take any other file for a pickle and give advice about those.
    require(zipfile.is_zipfile(path), f"{path} is not an .npz file, or was cut off; write it again")
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in KEYS if key in file}


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
    return as_tensor(np.asarray(x, dtype=np.float32))
