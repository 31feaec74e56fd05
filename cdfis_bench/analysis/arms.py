"""An experiment's runs, arm by arm, and the uniform arm that each is held against."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from cdfis_bench.analysis.labels import arm_labels, plain_label
from cdfis_bench.records.stored_run import StoredRun

UNIFORM = "uniform"
# What a method is made of: the uniform arm differs in these by definition.
METHOD_GROUPS = ("method", "metric", "selector", "weighting", "threshold", "source", "scoring_mode")
NOT_COMPARED = (*METHOD_GROUPS, "seed", "name", "figure", "results_dir", "tracker", "wandb")


@dataclass(frozen=True, slots=True)
class Arm:
    """One legend entry. plain: the label before several arms had to be told apart."""

    label: str
    plain: str
    runs: list[StoredRun]

    @property
    def method(self) -> str:
        return self.runs[0].record.method

    def final(self, column: str) -> dict[int, float]:
        """The last value of a column by seed; never the best."""
        return {run.record.seed: run.summary[column] for run in self.runs}

    def gate_steps(self) -> list[int]:
        """The steps at which the gate opened, of the runs in which it did."""
        steps = [run.summary["gate_open_step"] for run in self.runs]
        return [step for step in steps if step is not None]

    def gate_step(self) -> float:
        """Their median; NaN if the gate never opened."""
        steps = self.gate_steps()
        return float(np.median(steps)) if steps else np.nan


def arms_of(runs: list[StoredRun], hue: str = "method") -> list[Arm]:
    """One Arm per label, uniform ones first, otherwise in the order of the runs."""
    labels = arm_labels(runs, hue)
    grouped: dict[str, list[StoredRun]] = {}
    for run in runs:
        grouped.setdefault(labels[run.name], []).append(run)
    arms = [Arm(label, plain_label(of[0].record, hue), of) for label, of in grouped.items()]
    return sorted(arms, key=lambda arm: arm.method != UNIFORM)


def baseline_of(arm: Arm, arms: list[Arm]) -> Arm | None:
    """The uniform arm on the same data that is most like `arm`; None if there is none, or a tie.

    In a grid over learning rates, say, each arm is held against uniform sampling at its own rate.
    """
    config = arm.runs[0].record.config
    distances = Counter(
        {
            number: _differing(config, other.runs[0].record.config)
            for number, other in enumerate(arms)
            if other.method == UNIFORM
            and other.runs[0].record.config["dataset"] == config["dataset"]
        }
    )
    nearest = distances.most_common()[::-1][:2]
    if not nearest or (len(nearest) == 2 and nearest[0][1] == nearest[1][1]):
        return None
    return arms[nearest[0][0]]


def _differing(one: dict[str, Any], other: dict[str, Any]) -> int:
    """How many root keys have other values, not counting what a method is made of."""
    keys = (one.keys() | other.keys()) - set(NOT_COMPARED)
    return sum(one.get(key) != other.get(key) for key in keys)
