"""The budget of a run."""

import math

from cdfis_bench.core.errors import require
from cdfis_bench.engine.meters.cost import CostMeter


class Budget:
    """Ends a run after a number of steps, seconds, or the cost of uniform steps.

    The first of the limits that is reached ends the run. Cost counts forward passes of one sample,
    scoring included, and a backward pass as two (the convention of Katharopoulos and Fleuret 2018):
    3 N for a uniform step.
    """

    def __init__(
        self,
        steps: int | None,
        train_seconds: float | None,
        uniform_steps: int | None = None,
        batch_size: int = 1,
    ) -> None:
        """Makes a budget.

        Args:
            steps: Training steps, or None.
            train_seconds: Training time, or None.
            uniform_steps: The cost of so many steps of uniform sampling, or None.
            batch_size: N.

        Raises:
            UserError: If all limits are None, or one is not positive.
        """
        self._limits = {
            "steps": steps,
            "train_seconds": train_seconds,
            "uniform_steps": uniform_steps,
        }
        require(
            any(limit is not None for limit in self._limits.values()),
            f"{', '.join(f'budget.{name}' for name in self._limits)} are all null: the run would "
            "never end; set one",
        )
        for name, limit in self._limits.items():
            require(
                limit is None or (type(limit) is not bool and 0 < limit < math.inf),
                f"budget.{name}={limit} must be above 0 and finite; null is no limit",
            )
        self.steps = steps
        self.train_seconds = train_seconds
        self._batch_size = batch_size

    @property
    def in_steps_alone(self) -> bool:
        """Whether all runs with this budget make the same number of steps."""
        return [name for name, limit in self._limits.items() if limit is not None] == ["steps"]

    def progress(self, steps: int, cost: CostMeter) -> float:
        """Share of the budget that is spent: from 0 to 1, or a little more."""
        spent = {
            "steps": steps,
            "train_seconds": cost.train_seconds,
            "uniform_steps": cost.forward_equivalents / (3 * self._batch_size),
        }
        return max(spent[name] / limit for name, limit in self._limits.items() if limit is not None)
