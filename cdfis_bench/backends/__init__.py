"""Backends: how the network is computed, chosen once per run. Results agree up to rounding."""

from cdfis_bench.backends.choose import Backend, apply_backend

__all__ = ["Backend", "apply_backend"]
