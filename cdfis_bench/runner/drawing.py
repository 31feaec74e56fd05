"""Table and figure of an experiment's stored runs: at a sweep's end, or on their own."""

import sys
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from cdfis_bench.analysis.experiment import Experiment, load_experiment
from cdfis_bench.analysis.summary_table import summary_text
from cdfis_bench.config.build import make
from cdfis_bench.core.errors import UserError, require
from cdfis_bench.records.experiment import read_jobs


def figure_of(config: DictConfig) -> Any:
    """What `config` draws. Raises UserError if it cannot be drawn as configured."""
    return make("figure", OmegaConf.to_container(config.figure, resolve=True))  # type: ignore[arg-type]


def conclude(experiment: Experiment, figure: Any, results_dir: Path) -> bool:
    """Prints the summary table and draws the figure. Returns whether every run is there."""
    print(summary_text(experiment))
    if experiment.runs:
        for path in figure.draw(experiment, results_dir / "experiments" / experiment.name):
            print(path)
    return not experiment.missing and len(experiment.runs) > 0


def redraw(config: DictConfig) -> dict[str, str]:
    """Draws `figure` from the runs of the experiment `redraw`, under the name `name`.

    Trains nothing. A mistake, or a run that is missing, ends the process with exit code 1.
    """
    try:
        figure = figure_of(config)
        complete = conclude(_experiment(config), figure, Path(config.results_dir))
    except UserError as error:
        # Hydra would announce any exception but SystemExit with two lines of its own.
        sys.exit(f"cdfis_bench: {error}")
    if not complete:
        sys.exit(1)
    return {"redrawn": str(config.redraw)}


def _experiment(config: DictConfig) -> Experiment:
    """The runs of the experiment `redraw`, called `name`. Raises UserError if it never ran."""
    results_dir, source = Path(config.results_dir), str(config.redraw)
    require(
        bool(read_jobs(results_dir, source)),
        f"{source} has no runs in {results_dir} to draw from; run experiment={source} first "
        f"(or the sweep with name={source}), or name another with redraw=...",
    )
    stored = load_experiment(results_dir, source)
    return Experiment(str(config.name), stored.runs, stored.missing)
