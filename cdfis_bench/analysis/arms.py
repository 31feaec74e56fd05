"""The runs of an experiment by arm, and the uniform arm that each one is compared with."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cdfis_bench.analysis.labels import arm_labels, method_title, plain_label
from cdfis_bench.core.budget_factor import FACTORS, budget_factor
from cdfis_bench.records.run_record import RunRecord
from cdfis_bench.records.stored_run import StoredRun

UNIFORM = "uniform"
# A method consists of these; the uniform arm differs in them by definition.
METHOD_KEYS = (
    *("method", "method_title", "method_color", "preset"),
    *("metric", "selector", "weighting", "threshold", "source", "scoring_mode"),
)
NOT_COMPARED = (*METHOD_KEYS, "seed", "name", "figure", "results_dir", "tracker", "wandb")


@dataclass(frozen=True, slots=True)
class Arm:
    """The runs of one configuration, which differ in their seed only: one legend entry.

    Attributes:
        label: Unique within the experiment; identifies the arm in tables and CSV files.
        plain: The label before anything was added to tell several arms apart.
        runs: At least one.
    """

    label: str
    plain: str
    runs: list[StoredRun]

    @property
    def record(self) -> RunRecord:
        """The record of the first run; all share the configuration but for the seed."""
        return self.runs[0].record

    @property
    def method(self) -> str:
        """The label of the method, such as `loss_cdf`."""
        return self.record.method

    @property
    def title(self) -> str:
        """The legend entry: the method's title, and whatever tells the arm apart from others."""
        plain = method_title(self.record) if self.plain == self.method else self.plain
        return plain + self.label.removeprefix(self.plain)

    @property
    def budget_factor(self) -> float:
        """The factor of the limits in its configuration: 2 for "uniform, 2x budget"."""
        return budget_factor(self.record.config)

    def final(self, column: str) -> dict[int, float]:
        """The last value of a column by seed; never the best."""
        return {run.record.seed: run.summary[column] for run in self.runs}

    def gate_steps(self) -> list[int]:
        """The steps at which the gate opened, of the runs in which it did."""
        steps = [run.summary["gate_open_step"] for run in self.runs]
        return [step for step in steps if step is not None]

    @property
    def never_acted(self) -> bool:
        """Whether its gate opened in no run, so that it trained as uniform sampling does."""
        return self.method != UNIFORM and not self.gate_steps()

    def gate_step(self) -> float:
        """The median step at which the gate opened; NaN if it never did."""
        steps = self.gate_steps()
        return float(np.median(steps)) if steps else np.nan


def arms_of(runs: list[StoredRun], hue: str = "method") -> list[Arm]:
    """Groups runs into arms.

    Args:
        runs: Finished runs.
        hue: What distinguishes arms: "method", or a dotted configuration key.

    Returns:
        Uniform sampling first, then in the order of the runs.
    """
    labels = arm_labels(runs, hue)
    grouped: dict[str, list[StoredRun]] = {}
    for run in runs:
        grouped.setdefault(labels[run.name], []).append(run)
    arms = [Arm(label, plain_label(of[0].record, hue), of) for label, of in grouped.items()]
    return sorted(arms, key=lambda arm: arm.method != UNIFORM)


def baseline_of(arm: Arm, arms: list[Arm]) -> Arm | None:
    """The uniform arm on the same data whose configuration is closest to that of `arm`.

    In a sweep over learning rates, for example, each arm is compared with uniform sampling at its
    own learning rate. The yardstick (uniform sampling at other budgets) is no baseline.

    Args:
        arm: The arm to compare.
        arms: All arms of the experiment.

    Returns:
        The closest uniform arm whose budget has the same factor, or None if there is none or
        several are equally close.
    """
    config = arm.record.config
    distances = Counter(
        {
            number: differing_keys(config, other.record.config)
            for number, other in enumerate(arms)
            if other.method == UNIFORM
            and other.budget_factor == arm.budget_factor
            and _data(other.record.config) == _data(config)
        }
    )
    nearest = distances.most_common()[::-1][:2]
    if not nearest or (len(nearest) == 2 and nearest[0][1] == nearest[1][1]):
        return None
    return arms[nearest[0][0]]


def compared_budgets(arms: list[Arm]) -> set[float]:
    """The factors of the budgets at which there is something to compare with uniform sampling."""
    return {arm.budget_factor for arm in arms if arm.method != UNIFORM}


def at_compared_budgets(arms: list[Arm]) -> list[Arm]:
    """The arms without the uniform ones at budgets at which nothing is compared (the yardstick)."""
    compared = compared_budgets(arms)
    if not compared:
        return arms
    return [arm for arm in arms if arm.method != UNIFORM or arm.budget_factor in compared]


def _data(config: Mapping[str, Any]) -> dict[str, Any]:
    """The dataset, without what runs of earlier versions did not record."""
    return {"validation_fraction": 0} | {
        k: v for k, v in config["dataset"].items() if k != "target"
    }


def differing_keys(one: Mapping[str, Any], other: Mapping[str, Any]) -> int:
    """The number of root keys with different values, those of the method not counted."""
    keys = (one.keys() | other.keys()) - set(NOT_COMPARED)
    return sum(_compared(one, key) != _compared(other, key) for key in keys)


def _compared(config: Mapping[str, Any], key: str) -> Any:
    """The value of a root key; of the budget its limits, whose factor has two spellings."""
    value = config.get(key)
    if key != "budget" or not isinstance(value, Mapping):
        return value
    return {name: limit for name, limit in value.items() if name not in FACTORS}
