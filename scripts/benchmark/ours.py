"""Our side: the engine's step, and its scoring, as a run uses them."""

import torch

from benchmark.timing import Work
from cdfis_bench.core.types import Batch
from cdfis_bench.engine.setup import RunSetup
from cdfis_bench.engine.state import RunState
from cdfis_bench.engine.step import train_step


def engine_step(setup: RunSetup) -> Work:
    """One optimization step: load, score, select, update."""
    state = RunState(setup)
    state.model.train()
    return lambda: train_step(state.context, state.optimizer)


def scoring(setup: RunSetup, batch: Batch) -> Work:
    """The scores of a large batch."""
    method = setup.make_method()
    setup.model.train()
    return lambda: method.score(setup.model, batch)


def large_batch(setup: RunSetup) -> Batch:
    return setup.dataset.train.batch(torch.arange(large_batch_size(setup)))


def large_batch_size(setup: RunSetup) -> int:
    """The number of candidates, K."""
    return setup.make_method().source.large_batch_size
