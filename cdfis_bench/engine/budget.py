"""When a run ends."""

from cdfis_bench.core.errors import require


class Budget:
    """Spent after `steps` steps or `train_seconds` of training time, whichever comes first.

    Either may be None. Raises UserError if both are, or if one is not positive.
    """

    def __init__(self, steps: int | None, train_seconds: float | None) -> None:
        require(
            steps is not None or train_seconds is not None,
            "budget.steps and budget.train_seconds are both null: the run would never end; set one",
        )
        require(steps is None or steps >= 1, f"budget.steps={steps} must be at least 1")
        require(
            train_seconds is None or train_seconds > 0,
            f"budget.train_seconds={train_seconds} must be above 0",
        )
        self.steps = steps
        self.train_seconds = train_seconds

    def spent(self, steps: int, train_seconds: float) -> bool:
        by_steps = self.steps is not None and steps >= self.steps
        return by_steps or (self.train_seconds is not None and train_seconds >= self.train_seconds)
