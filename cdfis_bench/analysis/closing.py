"""The table that closes a sweep: one line per arm."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from cdfis_bench.analysis.experiment import Experiment
from cdfis_bench.analysis.labels import arm_labels
from cdfis_bench.analysis.stats import mean_interval, paired_difference
from cdfis_bench.records.stored_run import StoredRun

UNIFORM = "uniform"


def closing_table(experiment: Experiment) -> pd.DataFrame:
    """One row per arm: seeds, final accuracy, difference to uniform (paired by seed), cost, gate.

    test_accuracy is the last value of each run, never its best. Bounds are 95 % Student-t intervals
    of the mean. relative_cost: seconds per step over those of the uniform arm; NaN without one.
    """
    labels = arm_labels(experiment.runs)
    arms: dict[str, list[StoredRun]] = {}
    for run in experiment.runs:
        arms.setdefault(labels[run.card["arm"]], []).append(run)
    return pd.DataFrame([_row(label, runs, arms.get(UNIFORM)) for label, runs in arms.items()])


def _row(label: str, runs: list[StoredRun], uniform: list[StoredRun] | None) -> dict[str, Any]:
    summaries = [run.card["summary"] for run in runs]
    accuracy = np.array([[summary["test_accuracy"]] for summary in summaries])
    mean, low, high = (float(part[0]) for part in mean_interval(accuracy))
    difference, below, above, _ = paired_difference(_by_seed(runs), _by_seed(uniform or []))
    gates = [s["gate_open_step"] for s in summaries if s["gate_open_step"] is not None]
    return {
        "arm": label,
        "seeds": len(runs),
        "test_accuracy": mean,
        "low": low,
        "high": high,
        "minus_uniform": difference,
        "minus_uniform_low": below,
        "minus_uniform_high": above,
        "train_seconds": float(np.mean([s["train_seconds"] for s in summaries])),
        "relative_cost": _step_cost(runs) / _step_cost(uniform) if uniform else np.nan,
        "gate_open_step": float(np.median(gates)) if gates else np.nan,
        "fallback_steps": sum(s["fallback_count"] for s in summaries),
    }


def _by_seed(runs: list[StoredRun]) -> dict[int, float]:
    return {run.card["seed"]: run.card["summary"]["test_accuracy"] for run in runs}


def _step_cost(runs: list[StoredRun]) -> float:
    """Mean training seconds per step."""
    return float(
        np.mean([r.card["summary"]["train_seconds"] / r.card["summary"]["steps"] for r in runs])
    )


def closing_text(experiment: Experiment) -> str:
    """The table for the terminal, with the data's name, the hardware, and what is missing."""
    lines = [""]
    if experiment.runs:
        table = closing_table(experiment)
        lines += [_about(experiment.runs), _formatted(table).to_string(index=False)]
    count = Counter(reason for _, reason in experiment.missing)
    lines += [
        f"missing: {number} {'run' if number == 1 else 'runs'}: {reason}"
        for reason, number in count.items()
    ]
    return "\n".join(lines)


def _about(runs: list[StoredRun]) -> str:
    data = ", ".join(sorted({run.card["dataset"] for run in runs}))
    machines = sorted({hardware_text(run) for run in runs})
    return f"{data}; final test accuracy, mean with 95 % t-interval; {'; '.join(machines)}"


def hardware_text(run: StoredRun) -> str:
    """What a run was computed on, for captions."""
    hardware = run.card["hardware"]
    threads = hardware["cpu_threads"]
    unit = f", {threads} thread{'s' if threads > 1 else ''}" if hardware["device"] == "cpu" else ""
    return f"{hardware['device_name']}{unit}"


def _formatted(table: pd.DataFrame) -> pd.DataFrame:
    def interval(row: pd.Series, value: str, low: str, high: str, sign: str) -> str:
        if np.isnan(row[value]):
            return "-"
        half = "" if np.isnan(row[low]) else f" ± {(row[high] - row[low]) / 2:.4f}"
        return f"{row[value]:{sign}.4f}{half}"

    shown = pd.DataFrame(
        {
            "arm": table["arm"],
            "seeds": table["seeds"],
            "test accuracy": [
                interval(row, "test_accuracy", "low", "high", "") for _, row in table.iterrows()
            ],
            "minus uniform": [
                interval(row, "minus_uniform", "minus_uniform_low", "minus_uniform_high", "+")
                if row["arm"] != UNIFORM
                else "-"
                for _, row in table.iterrows()
            ],
            "seconds": table["train_seconds"].map("{:.2f}".format),
            "cost/step": [
                "-" if np.isnan(c) else f"{c:.2f}x uniform" for c in table["relative_cost"]
            ],
            "gate opened at": [
                "never" if np.isnan(g) else f"step {g:.0f}" for g in table["gate_open_step"]
            ],
        }
    )
    if table["fallback_steps"].any():
        shown["uniform fall-backs"] = table["fallback_steps"]
    return shown
