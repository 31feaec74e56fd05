"""The summary table and the figure of an experiment: at the end of a sweep, or on their own."""

import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from cdfis_bench.analysis.experiment import Experiment, load_experiment
from cdfis_bench.analysis.summary_table import summary_text
from cdfis_bench.config.build import make
from cdfis_bench.core.errors import UserError, require
from cdfis_bench.records.experiment import read_jobs
from cdfis_bench.runner.report import make_tracker, mirror_experiment
from cdfis_bench.trackers.tracker import Tracker


def make_figure(cfg: DictConfig) -> Any:
    """The figure that a configuration draws. Raises UserError if its values cannot work."""
    figure = OmegaConf.to_container(cfg.figure, resolve=True)
    assert isinstance(figure, dict)
    return make("figure", {str(key): value for key, value in figure.items()})


def check_figure(cfg: DictConfig, swept: Collection[str]) -> None:
    """Refuses a figure that the runs of a sweep could not be drawn in, before they start.

    Args:
        cfg: The composed configuration of the sweep.
        swept: The keys that differ between its jobs.

    Raises:
        UserError: If the figure's values cannot work, or not with this dataset.
    """
    check = getattr(make_figure(cfg), "check_dataset", None)
    if check is not None and not any(key.split(".")[0] == "dataset" for key in swept):
        check(OmegaConf.to_container(cfg.dataset, resolve=True))


def print_and_draw(
    experiment: Experiment, figure: Any, results_dir: Path, tracker: Tracker | None = None
) -> bool:
    """Prints the summary table, draws the figure, and returns whether no run is missing.

    The tracker, if one is given, gets both.
    """
    print(summary_text(experiment))
    if experiment.runs:
        paths = figure.draw(experiment, results_dir / "experiments" / experiment.name)
        for path in paths:
            print(path)
        if tracker is not None:
            mirror_experiment(tracker, experiment, results_dir, paths)
    return not experiment.missing and len(experiment.runs) > 0


def redraw(cfg: DictConfig) -> dict[str, str]:
    """Draws the figure of `cfg` from the runs of the experiment `redraw`. Trains nothing.

    Args:
        cfg: The composed configuration; `name` is what the new figure is called.

    Returns:
        The name of the experiment. A mistake, or a run that is missing, ends the process with exit
        code 1.
    """
    try:
        figure = make_figure(cfg)
        results_dir = Path(cfg.results_dir)
        complete = print_and_draw(_experiment(cfg), figure, results_dir, make_tracker(cfg))
    except UserError as error:
        # Hydra adds two lines of its own to any exception but SystemExit.
        sys.exit(f"cdfis_bench: {error}")
    if not complete:
        sys.exit(1)
    return {"redrawn": str(cfg.redraw)}


def _experiment(cfg: DictConfig) -> Experiment:
    """The runs of the experiment `redraw`, renamed to `name`.

    Raises:
        UserError: If it never ran, or `name` is another sweep.
    """
    results_dir, source, name = Path(cfg.results_dir), str(cfg.redraw), str(cfg.name)
    require(
        name == source or not read_jobs(results_dir, name),
        f"name={name} is a sweep of its own, whose figure would be replaced; give the new figure "
        "another name",
    )
    require(
        bool(read_jobs(results_dir, source)),
        f"{source} has no runs in {results_dir} to draw from; run experiment={source} first "
        f"(or the sweep with name={source}), or name another with redraw=...",
    )
    stored = load_experiment(results_dir, source)
    return Experiment(name, stored.runs, stored.missing)
