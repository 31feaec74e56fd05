"""Online batch selection: which N of K candidate samples to train on, and whether it pays."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # `select` is imported when asked for: the command line answers --help without torch.
    if name == "select":
        return import_module("cdfis_bench.batch_selection").select
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
