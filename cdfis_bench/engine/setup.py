"""Everything a run needs, checked and on the device."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.optim import Optimizer

from cdfis_bench.backends.choose import Backend
from cdfis_bench.core.augment import Augment
from cdfis_bench.core.method import Method
from cdfis_bench.core.schedule import Schedule
from cdfis_bench.core.streams import Streams
from cdfis_bench.datasets.dataset import Dataset
from cdfis_bench.engine.budget import Budget

Parameters = Iterable[nn.Parameter] | Iterable[Tensor]


@dataclass(frozen=True, slots=True)
class RunSetup:
    """A run that is ready to start.

    Attributes:
        model: The network with its initial weights; training changes it.
        make_model: Makes another network of the same kind, its weights from the generator.
        make_optimizer: Makes an optimizer of these parameters.
        schedule: How the learning rate follows the budget.
        augment: How the samples that are loaded for training are augmented.
        dataset: Training and test set, and perhaps a validation set.
        make_method: Makes a method of fresh parts, without memory of an earlier run.
        streams: The random streams of the run.
        seed: The seed they were made from.
        device: Where the run computes.
        batch_size: Samples trained on per step, N.
        budget: When the run ends.
        train_mode: False trains in eval mode, dropout off, as the authors' code does.
        eval_every: Steps between two evaluations.
        pattern_every: Steps between two recorded sampling patterns; None records none.
        record_learning: Whether forgetting events and EL2N are recorded.
        checkpoint_every: Steps between two saved states; None saves none.
        eval_chunk_size: Samples per forward pass of an evaluation.
        backend: How the network computes; applied to `model`.
    """

    model: nn.Module
    make_model: Callable[[Generator], nn.Module]
    make_optimizer: Callable[[Parameters], Optimizer]
    schedule: Schedule
    augment: Augment
    dataset: Dataset
    make_method: Callable[[], Method]
    streams: Streams
    seed: int
    device: torch.device
    batch_size: int
    budget: Budget
    train_mode: bool
    eval_every: int
    pattern_every: int | None
    record_learning: bool
    checkpoint_every: int | None
    eval_chunk_size: int
    backend: Backend
