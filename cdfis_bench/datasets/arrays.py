"""Anyone's own data: images or vectors from one .npz or .h5 file."""

import zipfile
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

KEYS = ("x_train", "y_train", "x_test", "y_test")


class Arrays:
    """A file with x_train, y_train, x_test and y_test.

    x: uint8 images [n, H, W], [n, H, W, C] or [n, C, H, W] with C = 1 or 3, normalised by the
    training set's own mean and standard deviation; or float vectors or images, used as they are.
    classes: number of classes. title: what figures call the data; the file's name if null.
    """

    def __init__(self, path: str | None, classes: int, title: str | None = None) -> None:
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

    def fingerprint(self) -> str:
        """Tells this file from another of the same name. Raises UserError if it is not there."""
        _require_file(self._path)
        return of_files([self._path])

    def load(self, device: torch.device) -> Dataset:
        """Raises UserError, in one sentence, if the file cannot be used."""
        arrays = _read(self._path)
        train_x, test_x = arrays["x_train"], arrays["x_test"]
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
            statistics = channel_statistics(images[0])
            samples = (
                ImageSamples(images[0], labels["train"], *statistics, device),
                ImageSamples(images[1], labels["test"], *statistics, device),
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


def _require_file(path: Path) -> None:
    require(path.is_file(), f"dataset.path={path} is not there; name a .npz or .h5 file")


def _read(path: Path) -> Mapping[str, np.ndarray]:
    _require_file(path)
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as file:
                arrays = {key: file[key] for key in KEYS if key in file}
        elif path.suffix in (".h5", ".hdf5"):
            with h5py.File(path) as file:
                arrays = {key: np.asarray(file[key]) for key in KEYS if key in file}
        else:
            raise UserError(f"dataset.path={path} must end in .npz, .h5 or .hdf5")
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} cannot be read ({error}); is it a whole file?") from error
    missing = [key for key in KEYS if key not in arrays]
    require(not missing, f"{path} has no {', '.join(missing)}; it must hold {', '.join(KEYS)}")
    return arrays


def _channels_last(x: np.ndarray, path: Path) -> np.ndarray:
    """uint8 images as [n, H, W, C]."""
    if x.ndim == 3:
        return x[..., None]
    require(x.ndim == 4, f"{path}: uint8 samples must be images, not of shape {x.shape[1:]}")
    if x.shape[-1] in (1, 3):
        return x
    require(x.shape[1] in (1, 3), f"{path}: images of shape {x.shape[1:]} have not 1 or 3 channels")
    return x.transpose(0, 2, 3, 1)


def _floats(x: np.ndarray, name: str, path: Path) -> torch.Tensor:
    require(
        x.dtype.kind == "f" and x.ndim >= 2,
        f"{path}: {name} is {x.dtype} {x.shape}; samples must be uint8 images or floats (n, ...)",
    )
    require(bool(np.isfinite(x).all()), f"{path}: {name} holds values that are not finite")
    return as_tensor(x.astype(np.float32))
