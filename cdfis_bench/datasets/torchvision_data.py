"""What torchvision reads for us. The only file that imports it, when a dataset needs it."""

import pickle
import zlib
from types import ModuleType
from typing import Any

import torch

from cdfis_bench.core.errors import UserError

# What torchvision raises on files that are missing, cut off or filled with something else: it
# parses headers by assertion and look-up.
_UNREADABLE = (
    OSError, RuntimeError, ValueError, EOFError, AssertionError, LookupError, zlib.error,
    pickle.UnpicklingError,
)  # fmt: skip


def torchvision_datasets() -> ModuleType:
    """torchvision.datasets. Raises UserError if torchvision does not fit this PyTorch.

    A torchvision made for another build of PyTorch (a CPU-only one, say) fails while it is
    imported, with a missing operator or library.
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


def read(name: str, root: str, download: bool, files: str, **arguments: Any) -> Any:
    """The torchvision dataset `name` under `root`, downloaded first if asked for.

    files: which files it looks for below `root`, for the message.
    Raises UserError, in one sentence, if it is not there, damaged, or cannot be downloaded.
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
