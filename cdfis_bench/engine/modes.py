"""Putting a network into eval or train mode for a moment."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def in_mode(model: nn.Module, train: bool) -> Iterator[None]:
    """Inside, every module of `model` is in train (or eval) mode; afterwards each has the mode it had before."""
    before = [(module, module.training) for module in model.modules()]
    model.train(train)
    try:
        yield
    finally:
        for module, mode in before:
            if module.training != mode:
                module.training = mode
