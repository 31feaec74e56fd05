"""Our side: the engine's step, and its scoring, as a run uses them."""

import torch

from benchmark.setups import CPU
from benchmark.timing import Work
from cdfis_bench.core.types import Batch
from cdfis_bench.engine.cost import CostMeter
from cdfis_bench.engine.loop import Training
from cdfis_bench.engine.step import train_step


def engine_step(training: Training) -> Work:
    """One optimisation step: load, score, select, update."""
    method, model = training.make_method(), training.model
    optimizer = training.make_optimizer(model.parameters())
    cost = CostMeter(CPU)
    model.train()
    return lambda: train_step(model, optimizer, method, training.batch_size, training.streams, cost)


def scoring(training: Training, batch: Batch) -> Work:
    """The scores of a large batch."""
    method = training.make_method()
    training.model.train()
    return lambda: method.score(training.model, batch)


def large_batch(training: Training) -> Batch:
    return training.dataset.train.batch(torch.arange(training.large_batch_size))
