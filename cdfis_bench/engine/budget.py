"""When a run ends."""

from cdfis_bench.core.errors import require
from cdfis_bench.engine.meters.cost import CostMeter


class Budget:
    """Spent after `steps` steps, `train_seconds` of training time, or the cost of `uniform_steps`
    steps of uniform sampling, whichever comes first.

    That cost counts forward passes of one sample, scoring included, and a backward pass as two (the
    convention of Katharopoulos and Fleuret 2018): 3 N a uniform step.
    Each may be None. Raises UserError if all are, or if one is not positive.
    """

    def __init__(
        self,
        steps: int | None,
        train_seconds: float | None,
        uniform_steps: int | None = None,
        batch_size: int = 1,
    ) -> None:
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
            require(limit is None or limit > 0, f"budget.{name}={limit} must be above 0")
        self.steps = steps
        self.train_seconds = train_seconds
        self._batch_size = batch_size

    @property
    def in_steps_alone(self) -> bool:
        """Whether all runs with this budget take the same number of steps."""
        return [name for name, limit in self._limits.items() if limit is not None] == ["steps"]

    def progress(self, steps: int, cost: CostMeter) -> float:
        """Share of the budget that is spent: 0 .. 1, or a little more."""
        spent = {
            "steps": steps,
            "train_seconds": cost.train_seconds,
            "uniform_steps": cost.forward_equivalents / (3 * self._batch_size),
        }
        return max(spent[name] / limit for name, limit in self._limits.items() if limit is not None)
