"""Mirroring the figure and the table of an experiment to the tracker, as a run of their own."""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from cdfis_bench.analysis.experiment import Experiment
from cdfis_bench.analysis.summary_table import summary_table
from cdfis_bench.config.build import make
from cdfis_bench.trackers.tracker import Tracker


def make_tracker(cfg: DictConfig) -> Tracker:
    """The tracker that a configuration names. Raises UserError if its values cannot work."""
    values = OmegaConf.to_container(cfg.tracker, resolve=True, enum_to_str=True)
    assert isinstance(values, dict)
    return make("tracker", {str(key): value for key, value in values.items()})


def mirror_experiment(
    tracker: Tracker, experiment: Experiment, results_dir: Path, paths: Sequence[Path]
) -> None:
    """Sends the figure, the summary table, and the list of runs, stored ones included.

    Args:
        tracker: Where to.
        experiment: At least one finished run.
        results_dir: The store of runs.
        paths: The files of the figure.
    """
    records = [run.record for run in experiment.runs]
    with tracker.open_report(experiment.name, records, results_dir) as tracked:
        for path in paths:
            if path.suffix == ".png":
                tracked.image("figure", path)
        rows = summary_table(experiment).to_dict("records")
        tracked.table("summary", [{str(k): v for k, v in row.items()} for row in rows])
        tracked.table(
            "runs",
            [
                {"run": run.name, "id": run.record.id, "method": run.record.method}
                | {"seed": run.record.seed, "test_accuracy": run.summary["test_accuracy"]}
                for run in experiment.runs
            ],
        )
        tracked.summary(runs=len(experiment.runs), missing=len(experiment.missing))
