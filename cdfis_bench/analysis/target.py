"""The accuracy that runs are to reach, and on which set."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cdfis_bench.core.errors import UserError, require, require_choice, require_number
from cdfis_bench.records.stored_run import StoredRun

SETS = ("validation", "test")


@dataclass(frozen=True, slots=True)
class Target:
    """An accuracy to reach.

    Attributes:
        accuracy: In (0, 1].
        of: Where it is measured: "validation" or "test".
    """

    accuracy: float
    of: str

    @property
    def column(self) -> str:
        """The column of the curve that is compared with it."""
        return f"{self.of}_accuracy"

    @property
    def text(self) -> str:
        """Such as "validation accuracy 0.98"."""
        return f"{self.of} accuracy {self.accuracy:g}"


class Targets:
    """Knows the target of each dataset.

    Args:
        accuracy: For all datasets; None for each dataset's own.
        of: The same.
        of_datasets: By the name of a dataset the keys `accuracy`, None if it has no target, and
            `of`.

    Raises:
        UserError: If a target is not in (0, 1], or of another set.
    """

    def __init__(
        self,
        accuracy: float | None,
        of: str | None,
        of_datasets: Mapping[str, Mapping[str, Any]] | None,
    ) -> None:
        self._accuracy = None if accuracy is None else _accuracy("figure.target", accuracy)
        self._of = None if of is None else require_choice("figure.of", of, SETS)
        self._of_datasets = dict(of_datasets or {})

    def of_dataset(self, name: str) -> Target:
        """The target on the dataset `name`. Raises UserError if it has none."""
        own = self._of_datasets.get(name) or {}
        accuracy = self._accuracy
        if accuracy is None:
            found = own.get("accuracy")
            require(
                found is not None, f"no target for dataset={name}; give one: figure.target=0.98"
            )
            accuracy = _accuracy("dataset.target.accuracy", found)
        of = self._of or require_choice("dataset.target.of", own.get("of", SETS[0]), SETS)
        return Target(accuracy, of)

    def check_planned(self, dataset: Mapping[str, Any]) -> None:
        """Checks a configured dataset before its runs start.

        Raises:
            UserError: If it has no target, or its runs would have no set to reach it on.
        """
        target = self.of_dataset(str(dataset["name"]))
        require(
            target.of != "validation" or bool(dataset.get("validation_fraction")),
            f"the target is {target.text}, but dataset.validation_fraction is 0; use "
            "dataset.validation_fraction=0.1, or figure.of=test",
        )

    def of_runs(self, runs: Iterable[StoredRun]) -> Target:
        """The target of runs on one dataset.

        Raises:
            UserError: If they are on several datasets or have no target, or if it is on the
                validation set and one of them has none.
        """
        listed = list(runs)
        names = list(dict.fromkeys(dataset_name(run) for run in listed))
        require(
            len(names) == 1,
            f"these runs are on {', '.join(names)}; a target belongs to one dataset, so draw one "
            "at a time, or figure=performance_profile",
        )
        target = self.of_dataset(names[0])
        for run in listed:
            if target.of == "validation" and run.summary.validation_accuracy is None:
                raise no_validation(run)
        return target


def no_validation(run: StoredRun) -> UserError:
    """The error for a run without a validation set."""
    return UserError(
        f"{run.name} has no validation set; compute the runs with dataset.validation_fraction=0.1, "
        "or use the test set"
    )


def dataset_name(run: StoredRun) -> str:
    """The name of the run's dataset in the configuration."""
    return str(run.record.config["dataset"]["name"])


def _accuracy(key: str, value: object) -> float:
    return require_number(key, value, 0, 1, open_low=True)
