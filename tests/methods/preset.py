"""The parts of a preset, composed as in a run."""

from cdfis_bench.core.method import Method
from tests.engine.small import setup


def method_of(preset: str, *overrides: str) -> Method:
    """Fresh parts that know the sizes of a small Two Circles run."""
    return setup(f"method={preset}", *overrides).make_method()
