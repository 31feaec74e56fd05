"""Reads torchvision's datasets. The only file that imports torchvision, and only when needed."""

import pickle
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from cdfis_bench.core.errors import UserError, require, require_text

# What torchvision raises for files that are missing, cut off or something else: it parses headers
# by assertion and lookup.
_UNREADABLE = (
    OSError, RuntimeError, ValueError, EOFError, AssertionError, LookupError, zlib.error,
    pickle.UnpicklingError,
)  # fmt: skip


def torchvision_datasets() -> ModuleType:
    """Imports torchvision.datasets.

    Returns:
        The module.

    Raises:
        UserError: If torchvision was built for another PyTorch (a CPU-only one, for example): its
            import then fails with a missing operator or library.
    """
    try:
        import torchvision.datasets
    except (ImportError, RuntimeError, OSError, AttributeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"torchvision does not work with PyTorch {torch.__version__} ({reason}); install both "
            "from the same source in one command: pip install --force-reinstall torch torchvision"
        ) from error
    return torchvision.datasets


def data_root(root: object) -> Path:
    """The folder that dataset.root names. Raises UserError if it is no path."""
    require(
        bool(require_text("dataset.root", root)),
        "dataset.root must name the folder that holds the data; use dataset.root=data",
    )
    return Path(str(root)).expanduser()


def read(name: str, root: str, download: bool, files: str, **arguments: Any) -> Any:
    """Opens a torchvision dataset.

    Args:
        name: Its class in torchvision.datasets.
        root: The folder that holds it.
        download: Whether to download it if it is missing.
        files: The files below `root` that it consists of, for the message.
        **arguments: Further arguments of the class.

    Returns:
        The dataset object.

    Raises:
        UserError: If it is not there, damaged, or cannot be downloaded.
    """
    make = getattr(torchvision_datasets(), name)
    try:
        return make(root, download=download, **arguments)
    except _UNREADABLE as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        remedy = (
            "check the network, or put the files there yourself"
            if download
            else "use dataset.download=true, name the folder that holds it with dataset.root, or "
            "delete files that are damaged"
        )
        raise UserError(
            f"{name} could not be read under {root} from {files} ({reason}); {remedy}"
        ) from error
