"""Backends: how a network computes, chosen once per run; the numbers stay those of the network."""

from cdfis_bench.backends.choose import Backend, apply_backend

__all__ = ["Backend", "apply_backend"]
