"""Metrics: one importance score per candidate."""

from cdfis_bench.metrics.grad_norm import GradNorm
from cdfis_bench.metrics.grad_norm_bound import GradNormBound
from cdfis_bench.metrics.grad_norm_last import GradNormLast
from cdfis_bench.metrics.loss import Loss

__all__ = ["GradNorm", "GradNormBound", "GradNormLast", "Loss"]
