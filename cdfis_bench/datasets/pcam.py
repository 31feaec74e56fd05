"""PatchCamelyon: 96 x 96 patches of lymph node sections, with tumor in the center or without."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import torch

from cdfis_bench.core.errors import UserError, require_bool, require_text
from cdfis_bench.core.types import PixelScale
from cdfis_bench.datasets.dataset import Dataset
from cdfis_bench.datasets.fingerprint import of_files
from cdfis_bench.datasets.hdf5 import own_dataset
from cdfis_bench.datasets.images import ImageSamples, as_tensor
from cdfis_bench.datasets.labels import checked_labels
from cdfis_bench.datasets.mapped_cache import mapped
from cdfis_bench.datasets.torchvision_data import data_root, read

ROWS = {"train": 262_144, "test": 32_768}  # of the published splits
# Of the training patches, scaled to [0, 1].
MEAN, STD = (0.7008, 0.5384, 0.6916), (0.2350, 0.2774, 0.2129)
STANDIN = "procedural stand-in"  # attribute of files that scripts/make_pcam_standin.py wrote


class PCam:
    """The published training and test split, in the published HDF5 layout.

    Args:
        root: The folder that holds pcam/.
        download: Whether to download files that are missing.
        cache_dir: Where the mapped copy of the patches goes; beside the files if None.
        title: Name of the data in figures. If None, files of other sizes than the published ones
            are called a subset, and procedural ones a stand-in.

    Source: Veeling et al. 2018; Knutsson et al. 2023, section 5.1.
    """

    def __init__(
        self,
        root: str,
        download: bool = False,
        cache_dir: str | None = None,
        title: str | None = None,
    ) -> None:
        self._root = data_root(root)
        self._download = require_bool("dataset.download", download)
        cache = require_text("dataset.cache_dir", cache_dir)
        self._cache_dir = Path(cache).expanduser() if cache else None
        self._title = require_text("dataset.title", title)

    def load(self, device: torch.device) -> Dataset:
        """Loads the data. Raises UserError if a file is missing, damaged or of another shape."""
        self._require_files()
        parts = {part: self._part(part, device) for part in ROWS}
        title = self._title or self._found_title({part: len(parts[part]) for part in parts})
        return Dataset(title, parts["train"], parts["test"], 2, (3, 96, 96), PixelScale(MEAN, STD))

    def fingerprint(self) -> str:
        """Identifies the files' contents. Raises UserError if a file is missing."""
        self._require_files()
        return of_files(path for part in ROWS for path in self._files(part))

    def _require_files(self) -> None:
        missing = [path for part in ROWS for path in self._files(part) if not path.exists()]
        if missing and self._download:
            for part in ROWS:
                names = ", ".join(f"pcam/{path.name}" for path in self._files(part))
                read("PCAM", str(self._root), download=True, files=names, split=part)
        elif missing:
            raise UserError(
                f"dataset=pcam finds no {', '.join(path.name for path in missing)} in "
                f"{missing[0].parent}; use dataset.download=true (needs the package gdown), put "
                "PatchCamelyon's files (Zenodo record 2546921, unpacked) there, or make a "
                f"stand-in with scripts/make_pcam_standin.py {self._root}"
            )

    def _files(self, part: str) -> list[Path]:
        folder = self._root / "pcam"
        return [folder / f"camelyonpatch_level_2_split_{part}_{kind}.h5" for kind in "xy"]

    def _part(self, part: str, device: torch.device) -> ImageSamples:
        patches, labels = self._files(part)
        with _checked(patches, "x", (96, 96, 3)) as found:
            rows = len(found)
        with _checked(labels, "y", (1, 1, 1)) as found:
            y = checked_labels(found[()], "y", labels, rows, 2)
        return ImageSamples(as_tensor(mapped(patches, "x", self._cache_dir)), y, MEAN, STD, device)

    def _found_title(self, rows: dict[str, int]) -> str:
        with h5py.File(self._files("train")[0]) as file:
            if STANDIN in file.attrs:
                return f"PCam stand-in (procedural, {rows['train']:,} patches)"
        return "PatchCamelyon" if rows == ROWS else f"PCam subset ({sum(rows.values()):,} patches)"


@contextmanager
def _checked(path: Path, key: str, shape: tuple[int, ...]) -> Iterator[h5py.Dataset]:
    """Opens the dataset `key`, uint8 [rows, *shape].

    Raises UserError if it is another one, or cannot be read inside the context.
    """
    try:
        with h5py.File(path) as file:
            found = own_dataset(file, key, path)
            if found.shape[1:] != shape or found.dtype != np.uint8:
                raise UserError(
                    f"{path}: {key} is {found.dtype} {found.shape}, but PatchCamelyon's is uint8 "
                    f"(n, {', '.join(map(str, shape))}); use dataset=arrays for other images"
                )
            yield found
    # Besides OSError and KeyError, h5py was seen to raise RuntimeError for damaged bytes.
    except (OSError, LookupError, RuntimeError, ValueError, TypeError) as error:
        raise UserError(
            f"{path} is not a readable HDF5 file with a dataset {key} ({error}); get it again"
        ) from error
