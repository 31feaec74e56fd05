"""The learning rate of each step."""

from torch.optim import Optimizer

from cdfis_bench.core.method import Method
from cdfis_bench.core.schedule import Schedule


class LearningRate:
    """Sets the learning rate: configured rate x schedule x the selector's factor."""

    def __init__(self, optimizer: Optimizer, schedule: Schedule) -> None:
        """Takes the optimizer with its configured rates."""
        self._optimizer = optimizer
        self._schedule = schedule
        self._configured = [group["lr"] for group in optimizer.param_groups]
        self._factor: float | None = None  # not known: a resumed optimizer has its last rates

    def set(self, progress: float, method: Method) -> None:
        """Sets the rates of the next step; progress: share of the budget spent before it."""
        factor = self._schedule.factor(progress)
        if method.selector.changes_learning_rate and method.threshold.open:
            factor *= method.selector.learning_rate_factor
        if factor == self._factor:
            return
        self._factor = factor
        for group, rate in zip(self._optimizer.param_groups, self._configured, strict=True):
            group["lr"] = rate * factor
