"""Parts of a method around a source under test."""

from contextlib import nullcontext
from types import SimpleNamespace

import torch

from cdfis_bench.core.streams import stream
from cdfis_bench.datasets.dataset import TensorSamples
from cdfis_bench.weightings.none import NoWeighting

CPU = torch.device("cpu")


def samples(n):
    """Sample i is the number i, of class i % 2."""
    return TensorSamples(torch.arange(n).float()[:, None], torch.arange(n) % 2, CPU)


def parts(table, selector, n, weighting=None, progress=0.0, seed=0):
    """A method whose metric remembers `table`, and scores loaded candidates by it."""
    metric = SimpleNamespace(table=lambda: table)
    return SimpleNamespace(
        n=n,
        progress=progress,
        metric=metric,
        selector=selector,
        weighting=weighting or NoWeighting(),
        cost=lambda phase: nullcontext(),
        generator=stream(seed, "select"),
        score=lambda candidates: table[candidates.index],
    )
