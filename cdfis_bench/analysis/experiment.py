"""The runs of an experiment, and the ones that are missing."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from cdfis_bench.core.errors import UserError, require
from cdfis_bench.records.experiment import Job, read_jobs
from cdfis_bench.records.paths import one_component
from cdfis_bench.records.stored_run import StoredRun, read_run


@dataclass(frozen=True, slots=True)
class Experiment:
    """The outcome of a sweep.

    Attributes:
        name: Name of the experiment or sweep.
        runs: The finished runs, each once, in the order of the jobs.
        missing: For each job without a finished run its overrides and the reason.
    """

    name: str
    runs: list[StoredRun]
    missing: list[tuple[str, str]] = field(default_factory=list)

    @property
    def asked_for(self) -> int:
        """The number of runs that were asked for, finished or missing."""
        return len(self.runs) + len(self.missing)

    def require_runs(self) -> list[StoredRun]:
        """The finished runs, at least one.

        Raises:
            UserError: If no run is finished.
        """
        require(bool(self.runs), f"{self.name}: no run is finished, nothing to draw")
        return self.runs


def load_experiment(results_dir: Path, name: str) -> Experiment:
    """Loads the runs that the last command of this name asked for.

    A failed or damaged run is listed as missing and raises nothing. A run that several jobs share
    (two points of a grid may come to the same configuration) is listed once.
    """
    runs: dict[str, StoredRun] = {}
    missing: list[tuple[str, str]] = []
    for job in read_jobs(results_dir, name):
        try:
            run = _finished(results_dir, job)
            runs.setdefault(run.name, run)
        except UserError as error:
            missing.append((" ".join(job.overrides), str(error)))
    return Experiment(name, list(runs.values()), missing)


# The name of a run folder, and of a job's file: all that tells messages of one cause apart.
_PLACES = re.compile(r"[\w.,=+-]+-s\d+-[0-9a-f]{10}|\d{5}\.json")


def same_cause(reason: str) -> str:
    """The reason of a failure without the names of its run and files: equal for equal causes."""
    return _PLACES.sub("...", reason)


def _finished(results_dir: Path, job: Job) -> StoredRun:
    """The run of a job. Raises UserError with the reason if there is no finished one."""
    if job.error is not None:
        raise UserError(job.error)
    if job.status == "planned":
        raise UserError("it was not started; give the command again")
    if job.run is None:
        raise UserError("its process has not finished; give the command again when none is running")
    folder = results_dir / "runs" / one_component("run", job.run, max_characters=200)
    run = read_run(folder)
    if run is None:
        raise UserError(f"the run folder {folder} is gone; give the command again")
    if not run.done:
        status = run.record.status
        raise UserError(f"the run {job.run} has the status {status}; give the command again")
    run.check()
    return run
