"""A step context around a source under test."""

from contextlib import nullcontext

import torch

from cdfis_bench.core.context import StepContext
from cdfis_bench.core.method import Method, Scoring
from cdfis_bench.core.parts import DatasetMetric
from cdfis_bench.core.streams import stream
from cdfis_bench.datasets.dataset import TensorSamples
from cdfis_bench.engine.step import next_mini_batch
from cdfis_bench.thresholds.fixed import FixedThreshold
from cdfis_bench.weightings.none import NoWeighting

CPU = torch.device("cpu")


class Table(DatasetMetric):
    """Knows the score of every sample."""

    def __init__(self, scores):
        self.scores = scores

    def __call__(self, model, batch):
        return self.scores[batch.index]

    def table(self):
        return self.scores


class NoCost:
    """A cost meter that measures nothing."""

    def __call__(self, phase):
        return nullcontext()

    def count_scored(self, samples, forward_passes, backward_passes): ...

    def count_step(self, loaded, trained): ...


def samples(n):
    """Sample i is the number i, of class i % 2."""
    return TensorSamples(torch.arange(n).float()[:, None], torch.arange(n) % 2, CPU)


def context_of(source, table, selector, *, weighting=None, progress=0.0, open=True, order=None):
    """The context of a method whose metric knows `table`."""
    method = Method(
        source,
        Table(table),
        selector,
        weighting or NoWeighting(),
        FixedThreshold(open),
        Scoring(False, 10**6),
    )
    order = order or stream(0, "order")
    select = stream(0, "select")
    model = torch.nn.Identity()
    return StepContext(model, method, source.batch_size, order, select, NoCost(), progress=progress)


__all__ = ["context_of", "next_mini_batch", "samples"]
