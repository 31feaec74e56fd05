"""Tiny data files in the layouts of the published sets."""

import gzip
import struct
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np


def make_mnist(root: Path, n: int = 40, seed: int = 0) -> dict[str, np.ndarray]:
    """MNIST's four idx files under root/MNIST/raw; returns the arrays."""
    rng, raw, made = np.random.default_rng(seed), root / "MNIST" / "raw", {}
    raw.mkdir(parents=True)
    for part, prefix in (("train", "train"), ("test", "t10k")):
        x = rng.integers(0, 256, (n, 28, 28)).astype(np.uint8)
        y = rng.permutation(np.arange(n) % 10).astype(np.uint8)
        for array, name in ((x, "images-idx3"), (y, "labels-idx1")):
            header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            (raw / f"{prefix}-{name}-ubyte").write_bytes(header + array.tobytes())
            with gzip.open(raw / f"{prefix}-{name}-ubyte.gz", "wb") as file:
                file.write(header + array.tobytes())
        made |= {f"x_{part}": x, f"y_{part}": y}
    return made


def make_cifar10(n: int = 40, seed: int = 0) -> SimpleNamespace:
    """What torchvision's CIFAR10 object holds (its files are checked by their sums)."""
    rng = np.random.default_rng(seed)
    return SimpleNamespace(
        data=rng.integers(0, 256, (n, 32, 32, 3)).astype(np.uint8),
        targets=(np.arange(n) % 10).tolist(),
    )


def make_pcam(
    root: Path, n: int = 24, seed: int = 0, **changes: np.ndarray
) -> dict[str, np.ndarray]:
    """PCam's train and test files under root/pcam. changes: x_train=..., to write that."""
    rng, folder, made = np.random.default_rng(seed), root / "pcam", {}
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("train", "test"):
        x = changes.get(f"x_{part}", rng.integers(0, 256, (n, 96, 96, 3)).astype(np.uint8))
        y = changes.get(f"y_{part}", (np.arange(n) % 2).astype(np.uint8).reshape(n, 1, 1, 1))
        stem = f"{folder}/camelyonpatch_level_2_split_{part}"
        with h5py.File(f"{stem}_x.h5", "w") as file:
            file.create_dataset("x", data=x, chunks=(1, *x.shape[1:]), compression="gzip")
        with h5py.File(f"{stem}_y.h5", "w") as file:
            file.create_dataset("y", data=y)
        made |= {f"x_{part}": x, f"y_{part}": y}
    return made


def make_arrays(path: Path, **arrays: np.ndarray) -> Path:
    """An .npz or .h5 file of the given arrays."""
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        with h5py.File(path, "w") as file:
            for name, values in arrays.items():
                file.create_dataset(name, data=values)
    return path


def image_arrays(n: int = 24, shape: tuple[int, ...] = (32, 32, 3)) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (n, *shape)).astype(np.uint8),
        "y_train": np.arange(n) % 2,
        "x_test": rng.integers(0, 256, (n, *shape)).astype(np.uint8),
        "y_test": np.arange(n) % 2,
    }
