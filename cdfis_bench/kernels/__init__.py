"""Kernels: how a network computes, chosen once per run; the numbers stay those of the network."""

from cdfis_bench.kernels.choose import Kernel, apply_kernel

__all__ = ["Kernel", "apply_kernel"]
