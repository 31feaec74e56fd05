"""The jobs of a sweep: the plan of all, and a small file for each, written by its own process."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.json_fields import from_json
from cdfis_bench.records.files import write_json
from cdfis_bench.records.paths import one_component

PLAN_FILE = "plan.json"
_JOB_FILE = re.compile(r"(\d{5,})\.json")
_JOB_DRAFT = re.compile(r"\.?\d{5,}\.json\.[\w.-]+")  # left behind by a process that was killed


@dataclass(frozen=True, slots=True)
class Job:
    """One job of a sweep.

    Attributes:
        number: Position in the sweep, from 0.
        overrides: Its Hydra overrides.
        status: planned (not started), running, computed, stored (the run was already done) or
            failed.
        method: Legend entry of the run.
        run: Name of the run folder.
        error: Why the job failed, in one sentence.
        traceback: Traceback of a job that failed before it had a run folder.
    """

    number: int
    overrides: Sequence[str]
    status: Literal["planned", "running", "computed", "stored", "failed"]
    method: str | None = None
    run: str | None = None
    error: str | None = None
    traceback: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A job as it was planned before the sweep started.

    Attributes:
        overrides: Its Hydra overrides.
        last_run: Run folder in which an earlier sweep of this name finished the same job. Whether
            the job still asks for that run is known only once it has started.
    """

    overrides: Sequence[str]
    last_run: str | None = None


def experiment_dir(results_dir: Path, name: str) -> Path:
    """The folder of the sweep called `name`. Raises UserError if that is no name of a folder."""
    return results_dir / "experiments" / one_component("name", name)


def jobs_dir(results_dir: Path, name: str) -> Path:
    """The folder of the job files of the sweep called `name`."""
    return experiment_dir(results_dir, name) / "jobs"


def job_file(results_dir: Path, name: str, number: int) -> Path:
    """The file of one job of the sweep called `name`."""
    return jobs_dir(results_dir, name) / f"{number:05d}.json"


def write_plan(results_dir: Path, name: str, jobs: Sequence[PlannedJob]) -> None:
    """Writes what a sweep is going to do, and forgets the jobs of an earlier sweep of this name.

    Runs are kept. The plan comes first: a process that dies in between leaves job files that do
    not count, because their overrides are not those of the plan, or that are still right.

    Args:
        results_dir: The store of runs.
        name: Name of the sweep.
        jobs: Every job, by number.
    """
    folder = experiment_dir(results_dir, name)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / PLAN_FILE, {"jobs": [asdict(job) for job in jobs]})
    forget_jobs(results_dir, name)


def read_plan(results_dir: Path, name: str) -> list[PlannedJob] | None:
    """The plan of the last sweep of this name; None if there is none.

    Raises:
        UserError: If the file is damaged.
    """
    path = experiment_dir(results_dir, name) / PLAN_FILE
    try:
        values = json.loads(path.read_text())
        return [from_json(PlannedJob, job) for job in values["jobs"]]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path} is damaged ({error}); repeat the command") from error


def forget_jobs(results_dir: Path, name: str) -> None:
    """Deletes the job files, and nothing else: an experiment is what its last command asked for.

    Other files in the folder were not written by this suite and stay, as does whatever a symbolic
    link points to.
    """
    folder = jobs_dir(results_dir, name)
    if folder.is_symlink() or folder.parent.is_symlink() or not folder.is_dir():
        return
    for file in folder.iterdir():
        ours = _JOB_FILE.fullmatch(file.name) or _JOB_DRAFT.fullmatch(file.name)
        if ours and (file.is_symlink() or file.is_file()):
            file.unlink(missing_ok=True)


def note_job(results_dir: Path, name: str, job: Job) -> None:
    """Writes the file of a job, replacing its earlier one."""
    path = job_file(results_dir, name, job.number)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, asdict(job))


def read_jobs(results_dir: Path, name: str) -> list[Job]:
    """Every job of the last sweep of this name, by number; those that never started, too.

    A damaged file counts as a failed job. Files of an earlier sweep, whose overrides are not those
    of the plan, do not count.
    """
    files = jobs_dir(results_dir, name).glob("*.json")
    noted = [_read(file) for file in sorted(files) if _JOB_FILE.fullmatch(file.name)]
    try:
        plan = read_plan(results_dir, name)
    except UserError as error:  # nobody knows what else was asked for
        return [*noted, Job(len(noted), [PLAN_FILE], "failed", error=str(error))]
    if plan is None:  # a sweep of an early version
        return noted
    by_number = {job.number: job for job in noted}
    jobs: list[Job] = []
    for number, planned in enumerate(plan):
        job = by_number.get(number)
        if job is None or (job.overrides and list(job.overrides) != list(planned.overrides)):
            job = Job(number, planned.overrides, "planned")
        jobs.append(replace(job, overrides=planned.overrides))
    return jobs


def _read(file: Path) -> Job:
    number = int(file.name.removesuffix(".json"))
    try:
        return from_json(Job, json.loads(file.read_text()))
    except (OSError, ValueError) as error:
        message = f"{file} is damaged ({error}); repeat the command"
        return Job(number, [], "failed", error=message)
