"""A picture and what it shows: PNG, PDF, the drawn numbers as CSV, where they come from as JSON."""

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from cdfis_bench.analysis.arms import Arm
from cdfis_bench.analysis.experiment import Experiment
from cdfis_bench.figures.replace import replace
from cdfis_bench.records.files import write_json

INTERVAL = "95 % Student-t interval of the mean over seeds (no interval for one seed)"


def save(
    figure: Figure, folder: Path, name: str, drawn: pd.DataFrame, about: dict[str, Any]
) -> list[Path]:
    """Writes <name>.png, .pdf, .csv and .json into `folder` and returns their paths.

    Each file is replaced as a whole; the JSON comes last. Equal figures give equal bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    png, pdf, csv, json = (folder / f"{name}.{end}" for end in ("png", "pdf", "csv", "json"))
    replace(png, lambda draft: figure.savefig(draft, format="png"))
    undated = {"CreationDate": None}
    replace(pdf, lambda draft: figure.savefig(draft, format="pdf", metadata=undated))
    replace(csv, lambda draft: drawn.to_csv(draft, index=False))
    write_json(json, about)
    return [png, pdf, csv, json]


def about_runs(experiment: Experiment, arms: list[Arm]) -> dict[str, Any]:
    """Where a figure's numbers come from: data, runs by label, hardware, versions, what is missing.

    arms: those that are drawn.
    """
    runs = [run for arm in arms for run in arm.runs]
    records = [run.record for run in runs]
    return {
        "experiment": experiment.name,
        "data": _distinct(record.dataset for record in records),
        "interval": INTERVAL,
        "seeds": {arm.label: len(arm.runs) for arm in arms},
        "runs": {arm.label: {run.name: run.record.id for run in arm.runs} for arm in arms},
        "hardware": _distinct(record.hardware for record in records),
        "versions": _distinct(record.versions for record in records),
        "commits": _distinct(
            {"commit": record.commit, "dirty": record.dirty} for record in records
        ),
        "missing": [
            {"overrides": overrides, "reason": reason} for overrides, reason in experiment.missing
        ],
    }


def _distinct(values: Any) -> list[Any]:
    found: list[Any] = []
    for value in values:  # dicts cannot be in a set; there are few different ones
        if value not in found:
            found.append(value)
    return found
