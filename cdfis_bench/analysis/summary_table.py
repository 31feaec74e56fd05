"""The summary table of a sweep: one row per arm."""

import shutil
import textwrap
from typing import Any

import numpy as np
import pandas as pd

from cdfis_bench.analysis.arms import UNIFORM, Arm, arms_of, baseline_of, compared_budgets
from cdfis_bench.analysis.experiment import Experiment, same_cause
from cdfis_bench.analysis.provenance import data_text, hardware_text, same_hardware
from cdfis_bench.analysis.stats import mean_interval, paired_difference
from cdfis_bench.analysis.yardstick import Worth, worth_of


def summary_table(experiment: Experiment, hue: str = "method") -> pd.DataFrame:
    """Final accuracy, difference to uniform sampling, cost, and when the gate opened, by arm.

    Args:
        experiment: At least one finished run.
        hue: What distinguishes arms: "method", or a dotted configuration key.

    Returns:
        One row per arm, grouped by the factor of the budget. `test_accuracy` is the last value of
        each run, never its best, averaged over seeds, and so is `validation_accuracy`, a column of
        sweeps with a validation set; bounds (`_low`, `_high`) are 95 % Student-t intervals of the
        mean.
        `minus_uniform` pairs the runs with those of the uniform arm by seed. `relative_cost` is the
        mean time per step divided by that of the uniform arm; NaN without one, or if the two ran on
        different hardware. `worth` is the budget of uniform sampling with the same accuracy, as a
        multiple of the arm's own, where there is uniform sampling at several budgets: 0 below and
        infinity above all of them (analysis/yardstick.py); `worth_text` says it in words.
        `gate_open_step` is the median over the `gates_opened` runs in which the
        gate opened, NaN if it never did. `fallback_steps` is a sum over the runs.
        `random_share` is the mean share of a mini-batch that the selector filled up at random, NaN
        where it does not tell.
    """
    arms = arms_of(experiment.runs, hue)
    compared = compared_budgets(arms)
    # By budget; those of the yardstick alone, at which nothing is compared, come last.
    arms.sort(key=lambda arm: (arm.budget_factor not in compared, arm.budget_factor))
    return pd.DataFrame([_row(arm, baseline_of(arm, arms), worth_of(arm, arms)) for arm in arms])


def summary_text(experiment: Experiment, width: int | None = None) -> str:
    """The summary table for the terminal, with the data's title, hardware, and missing runs.

    Args:
        experiment: The runs, and what is missing.
        width: Letters in a line; the terminal's if None, and 80 where there is none.

    Returns:
        Lines. A table that is wider than `width` is continued below itself, column by column.
    """
    width = width or shutil.get_terminal_size((80, 24)).columns
    runs = experiment.runs
    lines = [f"{experiment.name}: no run is finished"]
    if runs:
        lines = [f"{experiment.name}: {data_text(runs)}; {hardware_text(runs)}"]
        table = summary_table(experiment)
        lines += _fitted(_cells(table), width)
        idle = table[(table["gates_opened"] == 0) & table["minus_uniform"].notna()]["label"]
        if len(idle):
            lines += ["the gate never opened in " + "; ".join(idle) + ": trained uniformly"]
        lines += ["final values on the whole test set, mean ± half a 95 % t-interval over seeds"]
        lines += _shared_costs(arms_of(runs))
        if table["worth"].notna().any():
            lines += ["worth: budget of uniform sampling with this accuracy, 95 % paired bootstrap"]
        if not same_hardware(runs):
            lines += ["the runs come from different hardware: their times cannot be compared"]
    lines += _missing_lines(experiment)
    return "\n".join(["", *lines])


def _shared_costs(arms: list[Arm]) -> list[str]:
    """A line for each arm that is charged only a part of what it computes."""
    runs = {arm.label: (arm.record.config.get("metric") or {}).get("amortize", 1) for arm in arms}
    return [
        f"{label}: charged 1/{number:g} of its holdout models, which {number:g} runs share"
        for label, number in runs.items()
        if number != 1
    ]


def _missing_lines(experiment: Experiment) -> list[str]:
    """How many runs are missing, and a line per cause."""
    missing = experiment.missing
    causes: dict[str, list[tuple[str, str]]] = {}
    for overrides, reason in missing:
        causes.setdefault(same_cause(reason), []).append((overrides, reason))
    lines = []
    if 0 < len(missing) < experiment.asked_for:
        are = "is" if len(missing) == 1 else "are"
        lines.append(f"{len(missing)} of {experiment.asked_for} runs {are} MISSING")
    for jobs in causes.values():
        overrides, reason = jobs[0]
        if len(jobs) == 1:
            which = overrides or "1 job"
        else:
            every = "all " if len(jobs) == experiment.asked_for else ""
            which = f"{every}{len(jobs)} jobs"
        lines.append(f"missing: {which}: {reason}")
    return lines


def _cells(table: pd.DataFrame) -> list[list[str]]:
    """The table's cells as text, the header first."""
    columns = {
        "method": list(table["label"]),
        "seeds": [str(seeds) for seeds in table["seeds"]],
        "test accuracy": _intervals(table, "test_accuracy", ""),
        **_validation_cells(table),
        "minus uniform": [
            # Its mini-batches were those of uniform sampling: there is nothing to compare.
            text if opened else "-"
            for text, opened in zip(
                _intervals(table, "minus_uniform", "+"), table["gates_opened"], strict=True
            )
        ],
        **({"worth in uniform": list(table["worth_text"])} if table["worth"].notna().any() else {}),
        "train seconds": [_number(seconds, 2) for seconds in table["train_seconds"]],
        "cost of a step": [
            "-" if np.isnan(cost) else f"{_number(cost, 2)} x uniform"
            for cost in table["relative_cost"]
        ],
        "gate opened": [
            _gate(*gate)
            for gate in zip(
                table["gate_open_step"], table["gates_opened"], table["seeds"], strict=True
            )
        ],
    }
    if table["random_share"].notna().any():
        columns["filled at random"] = [
            "-" if np.isnan(share) else f"{100 * share:.0f} %" for share in table["random_share"]
        ]
    if table["fallback_steps"].any():
        columns["fallback steps"] = [str(steps) for steps in table["fallback_steps"]]
    return [list(columns), *(list(row) for row in zip(*columns.values(), strict=True))]


def _validation_cells(table: pd.DataFrame) -> dict[str, list[str]]:
    if "validation_accuracy" not in table:
        return {}
    return {"validation accuracy": _intervals(table, "validation_accuracy", "")}


def _intervals(table: pd.DataFrame, column: str, sign: str) -> list[str]:
    """Mean ± half the interval; the mean alone if there is one run; "-" if there is no value."""
    half = (table[f"{column}_high"] - table[f"{column}_low"]) / 2
    return [
        _number(mean, 4, sign) + ("" if np.isnan(mean) or np.isnan(h) else f" ± {_number(h, 4)}")
        for mean, h in zip(table[column], half, strict=True)
    ]


def _number(value: float, digits: int, sign: str = "") -> str:
    """Decimals, or two digits and a power of ten where decimals would be zeros or a long row."""
    if np.isnan(value):
        return "-"
    plain = value == 0 or 0.5 * 10**-digits <= abs(value) < 1e6
    return f"{value:{sign}.{digits}f}" if plain else f"{value:{sign}.1e}"


def _gate(step: float, opened: int, runs: int) -> str:
    if not opened:
        return "never"
    return f"step {step:.0f}" + ("" if opened == runs else f" ({opened} of {runs})")


def _aligned(rows: list[list[str]]) -> list[str]:
    """Names left-aligned, numbers right-aligned, two spaces between columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _fitted(rows: list[list[str]], width: int) -> list[str]:
    """The aligned table, or several below each other that all begin with the names."""
    room = max(width * 2 // 5, 12)  # of the names
    left = [line for row in rows for line in _name_lines(row, room)]
    blocks: list[list[str]] = []
    while len(left[0]) > 1:
        columns = len(left[0])
        while columns > 2 and len(_aligned([row[:columns] for row in left])[0]) > width:
            columns -= 1
        blocks.append(_aligned([row[:columns] for row in left]))
        left = [[row[0], *row[columns:]] for row in left]
    return [line.rstrip() for block in blocks for line in ("", *block)][1:]


def _name_lines(row: list[str], room: int) -> list[list[str]]:
    """The row, its name continued on further lines if it is longer than `room`."""
    names = textwrap.wrap(row[0], room) or [""]
    blank = [""] * (len(row) - 1)
    return [[names[0], *row[1:]], *([f"  {name}", *blank] for name in names[1:])]


def _row(arm: Arm, uniform: Arm | None, worth: Worth) -> dict[str, Any]:
    accuracy = arm.final("test_accuracy")
    mean, low, high = mean_interval(np.array([*accuracy.values()])[:, None])
    versus = {} if uniform is None or arm.method == UNIFORM else uniform.final("test_accuracy")
    difference, below, above, pairs = paired_difference(accuracy, versus)
    relative_cost = np.nan
    if uniform is not None and same_hardware([*arm.runs, *uniform.runs]):
        relative_cost = _step_seconds(arm) / _step_seconds(uniform)
    return {
        "label": arm.label,
        "budget_factor": arm.budget_factor,
        "seeds": len(arm.runs),
        "test_accuracy": mean[0],
        "test_accuracy_low": low[0],
        "test_accuracy_high": high[0],
        **_validation(arm),
        "minus_uniform": difference,
        "minus_uniform_low": below,
        "minus_uniform_high": above,
        "paired_seeds": pairs,
        "worth": worth.value,
        "worth_low": worth.low,
        "worth_high": worth.high,
        "worth_text": worth.text(),
        "train_seconds": np.mean([*arm.final("train_seconds").values()]),
        "relative_cost": relative_cost,
        "gate_open_step": arm.gate_step(),
        "gates_opened": len(arm.gate_steps()),
        "random_share": _mean_known(arm, "random_share"),
        "fallback_steps": sum(arm.final("fallback_count").values()),
    }


def _validation(arm: Arm) -> dict[str, float]:
    """Mean and interval of the validation accuracy; empty if a run has no validation set."""
    found = [value for value in arm.final("validation_accuracy").values() if value is not None]
    if len(found) < len(arm.runs):
        return {}
    mean, low, high = mean_interval(np.array(found)[:, None])
    ends = {"": mean[0], "_low": low[0], "_high": high[0]}
    return {f"validation_accuracy{end}": value for end, value in ends.items()}


def _mean_known(arm: Arm, column: str) -> float:
    """The mean over the runs that have a value; NaN if none has."""
    known = [value for value in arm.final(column).values() if value is not None]
    return float(np.mean(known)) if known else np.nan


def _step_seconds(arm: Arm) -> float:
    """Mean training seconds per step; NaN if a budget was spent before the first step."""
    seconds, steps = arm.final("train_seconds"), arm.final("steps")
    return float(np.mean([seconds[s] / steps[s] if steps[s] else np.nan for s in seconds]))
