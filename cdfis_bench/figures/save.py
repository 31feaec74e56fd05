"""Saves a figure: PNG, PDF, its numbers as CSV, and their provenance as JSON."""

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from cdfis_bench.analysis.arms import Arm
from cdfis_bench.analysis.experiment import Experiment
from cdfis_bench.analysis.provenance import distinct
from cdfis_bench.records.files import write_atomically, write_json

INTERVAL = "95 % Student-t interval of the mean over seeds (no interval for one seed)"


def save(
    figure: Figure, folder: Path, name: str, drawn: pd.DataFrame, about: dict[str, Any]
) -> list[Path]:
    """Writes <name>.png, .pdf, .csv and .json into `folder`.

    Each file is replaced atomically, the JSON last. Equal figures give equal bytes.

    Args:
        figure: The finished figure.
        folder: Created if it does not exist.
        name: Name of the files without their ending.
        drawn: The numbers that the figure shows.
        about: Their provenance, see `about_runs`.

    Returns:
        The paths in the order above.
    """
    folder.mkdir(parents=True, exist_ok=True)
    png, pdf, csv, json = (folder / f"{name}.{end}" for end in ("png", "pdf", "csv", "json"))
    write_atomically(png, lambda draft: figure.savefig(draft, format="png"))
    undated = {"CreationDate": None}
    write_atomically(pdf, lambda draft: figure.savefig(draft, format="pdf", metadata=undated))
    write_atomically(csv, lambda draft: drawn.to_csv(draft, index=False))
    write_json(json, about)
    return [png, pdf, csv, json]


def about_runs(experiment: Experiment, arms: list[Arm]) -> dict[str, Any]:
    """The provenance of a figure: data, runs by label, hardware, versions, missing runs.

    Args:
        experiment: The experiment that is drawn.
        arms: The arms that are drawn.

    Returns:
        Plain values for JSON.
    """
    runs = [run for arm in arms for run in arm.runs]
    records = [run.record for run in runs]
    return {
        "experiment": experiment.name,
        "data": distinct(record.dataset for record in records),
        "interval": INTERVAL,
        "seeds": {arm.label: len(arm.runs) for arm in arms},
        "runs": {arm.label: {run.name: run.record.id for run in arm.runs} for arm in arms},
        "hardware": distinct(record.hardware for record in records),
        "versions": distinct(record.versions for record in records),
        "commits": distinct({"commit": record.commit, "dirty": record.dirty} for record in records),
        "missing": [
            {"overrides": overrides, "reason": reason} for overrides, reason in experiment.missing
        ],
    }
