"""Our side: the engine's step, and its scoring, as a run uses them."""

import torch

from benchmark.setups import CPU
from benchmark.timing import Work
from cdfis_bench.core.types import Batch
from cdfis_bench.engine.meters.cost import CostMeter
from cdfis_bench.engine.setup import RunSetup
from cdfis_bench.engine.step import train_step


def engine_step(setup: RunSetup) -> Work:
    """One optimisation step: load, score, select, update."""
    method, model = setup.make_method(), setup.model
    optimizer = setup.make_optimizer(model.parameters())
    cost = CostMeter(CPU)
    model.train()
    return lambda: train_step(model, optimizer, method, setup.batch_size, setup.streams, cost)


def scoring(setup: RunSetup, batch: Batch) -> Work:
    """The scores of a large batch."""
    method = setup.make_method()
    setup.model.train()
    return lambda: method.score(setup.model, batch)


def large_batch(setup: RunSetup) -> Batch:
    return setup.dataset.train.batch(torch.arange(setup.large_batch_size))
