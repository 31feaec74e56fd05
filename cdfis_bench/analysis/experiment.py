"""The runs of an experiment, and what is missing of them."""

from dataclasses import dataclass, field
from pathlib import Path

from cdfis_bench.core.errors import UserError
from cdfis_bench.records.experiment import Job, read_jobs
from cdfis_bench.records.stored_run import StoredRun, read_run


@dataclass(frozen=True, slots=True)
class Experiment:
    """runs: finished ones, each once, in the order of the jobs. missing: (overrides, reason)."""

    name: str
    runs: list[StoredRun]
    missing: list[tuple[str, str]] = field(default_factory=list)


def load_experiment(results_dir: Path, name: str) -> Experiment:
    """What the last command of this name asked for; damaged and failed runs are listed."""
    runs: dict[str, StoredRun] = {}
    missing: list[tuple[str, str]] = []
    for job in read_jobs(results_dir, name):
        try:
            run = _finished(results_dir, job)
            runs.setdefault(run.name, run)
        except UserError as error:
            missing.append((" ".join(job.overrides), str(error)))
    return Experiment(name, list(runs.values()), missing)


def single(run: StoredRun) -> Experiment:
    """An experiment of one run."""
    return Experiment(run.name, [run])


def _finished(results_dir: Path, job: Job) -> StoredRun:
    """The run of a job. Raises UserError with the reason why there is none."""
    if job.error is not None:
        raise UserError(job.error)
    if job.run is None:
        raise UserError("its process ended before the run did; give the command again")
    run = read_run(results_dir / "runs" / job.run)
    if run is None or not run.done:
        raise UserError(f"the run folder {job.run} is gone or not done; give the command again")
    run.check()
    return run
