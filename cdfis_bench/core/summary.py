"""The summary of a finished run: its final numbers, one field each."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cdfis_bench.core.json_fields import from_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The final numbers of a run. Seconds and counts are totals over the whole run.

    Attributes:
        steps: Optimization steps taken.
        gate_open_step: Step at which the threshold first opened; None if it never did.
        fallback_count: Steps whose mini-batch was drawn uniformly because the scores were unusable.
        test_loss: Mean loss on the whole test set after the last step.
        test_accuracy: Fraction of the test set that is classified correctly after the last step.
        train_seconds: Loading, scoring, selecting and updating; evaluation is not included.
        load_seconds: Gathering candidates.
        score_seconds: Computing the metric.
        select_seconds: Running the selector and the weighting.
        update_seconds: Forward pass, backward pass and optimizer step on the mini-batch.
        eval_seconds: Evaluation on the test and the validation set.
        samples_loaded: Samples gathered.
        samples_scored: Samples scored by the metric.
        samples_trained: Samples trained on, counted with repeats.
        forward_samples: Single-sample forward passes, for scoring and training.
        backward_samples: Single-sample backward passes, for scoring and training.
        train_class_shares: Fraction of each class in the training set, [n_classes].
        selected_class_shares: Fraction of each class in the samples trained on, [n_classes].
        step_cost: Duration of a selecting step divided by that of a uniform step; None if the
            threshold never opened.
        break_even: The same ratio counted in forward passes; None if the threshold never opened.
        random_share: Mean share of a selected mini-batch that the selector filled up at random
            (DivBS); None for other selectors.
        validation_loss: Mean loss on the whole validation set after the last step; None without
            one.
        validation_accuracy: Fraction of the validation set that is classified correctly after the
            last step; None without one.
    """

    steps: int
    gate_open_step: int | None
    fallback_count: int
    test_loss: float
    test_accuracy: float
    train_seconds: float
    load_seconds: float
    score_seconds: float
    select_seconds: float
    update_seconds: float
    eval_seconds: float
    samples_loaded: int
    samples_scored: int
    samples_trained: int
    forward_samples: int
    backward_samples: int
    train_class_shares: Sequence[float] | None = None
    selected_class_shares: Sequence[float] | None = None
    step_cost: float | None = None
    break_even: float | None = None
    random_share: float | None = None
    validation_loss: float | None = None
    validation_accuracy: float | None = None

    @classmethod
    def from_json(cls, values: object) -> "Summary":
        """From the object in run.json. Raises ValueError naming a key that is wrong or missing."""
        return from_json(cls, values)

    def to_json(self) -> dict[str, Any]:
        """All fields as plain values; those of a validation set only if there is one."""
        values = asdict(self)
        for name in ("validation_loss", "validation_accuracy"):
            if values[name] is None:
                del values[name]
        return values

    def __getitem__(self, column: str) -> Any:
        """The value of a field by its name. Raises KeyError if there is no such field."""
        if column not in self.__dataclass_fields__:
            raise KeyError(column)
        return getattr(self, column)
