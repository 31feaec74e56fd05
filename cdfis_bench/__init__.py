"""Online batch selection: which N of K candidate samples to train on, and whether it pays."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cdfis_bench.version import __version__

if TYPE_CHECKING:
    from cdfis_bench.batch_selection import select
    from cdfis_bench.per_sample_grad import grad_norms

__all__ = ["__version__", "grad_norms", "select"]

# Imported on first use, so that `import cdfis_bench` and `--help` do not load torch.
_MODULES = {"grad_norms": "cdfis_bench.per_sample_grad", "select": "cdfis_bench.batch_selection"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
