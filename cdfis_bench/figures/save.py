"""A picture and what it shows: PNG, PDF, the drawn numbers as CSV, the runs as JSON."""

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from cdfis_bench.analysis.experiment import Experiment
from cdfis_bench.analysis.labels import arm_labels
from cdfis_bench.records.files import write_json


def save(
    figure: Figure, folder: Path, experiment: Experiment, drawn: pd.DataFrame, hue: str
) -> list[Path]:
    """Writes <name>.png, .pdf, .csv and .json into `folder` and returns their paths."""
    paths = [folder / f"{experiment.name}.{ending}" for ending in ("png", "pdf", "csv", "json")]
    png, pdf, csv, about = paths
    figure.savefig(png)
    figure.savefig(pdf, metadata={"CreationDate": None})  # equal runs, equal bytes
    drawn.to_csv(csv, index=False)
    write_json(about, _about(experiment, hue))
    return paths


def _about(experiment: Experiment, hue: str) -> dict[str, Any]:
    labels = arm_labels(experiment.runs, hue)
    cards = [run.card for run in experiment.runs]
    return {
        "name": experiment.name,
        "data": sorted({card["dataset"] for card in cards}),
        "interval": "95 % Student-t interval of the mean over seeds",
        "seeds": Counter(labels[card["arm"]] for card in cards),
        "runs": {run.name: labels[run.card["arm"]] for run in experiment.runs},
        "hardware": _distinct(card["hardware"] for card in cards),
        "versions": _distinct(card["versions"] for card in cards),
        "commits": _distinct({k: card[k] for k in ("commit", "dirty")} for card in cards),
        "missing": [{"overrides": o, "reason": r} for o, r in experiment.missing],
    }


def _distinct(values: Any) -> list[Any]:
    return [dict(items) for items in dict.fromkeys(tuple(value.items()) for value in values)]
