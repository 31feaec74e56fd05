"""The jobs of a sweep: one small file each, so that every process can write its own."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from cdfis_bench.core.json_fields import from_json
from cdfis_bench.records.files import write_json


@dataclass(frozen=True, slots=True)
class Job:
    """One job of a sweep.

    Attributes:
        number: Position in the sweep, from 0.
        overrides: Its Hydra overrides.
        status: running, computed, stored (the run was already done) or failed.
        method: Legend entry of the run.
        run: Name of the run folder.
        error: Why the job failed, in one sentence.
        traceback: Traceback of a job that failed before it had a run folder.
    """

    number: int
    overrides: Sequence[str]
    status: Literal["running", "computed", "stored", "failed"]
    method: str | None = None
    run: str | None = None
    error: str | None = None
    traceback: str | None = None


def jobs_dir(results_dir: Path, name: str) -> Path:
    """The folder of the job files of the sweep called `name`."""
    return results_dir / "experiments" / name / "jobs"


def job_file(results_dir: Path, name: str, number: int) -> Path:
    """The file of one job of the sweep called `name`."""
    return jobs_dir(results_dir, name) / f"{number:05d}.json"


def forget_jobs(results_dir: Path, name: str) -> None:
    """Deletes the job files: an experiment is what its last command asked for. Runs are kept."""
    shutil.rmtree(jobs_dir(results_dir, name), ignore_errors=True)


def note_job(results_dir: Path, name: str, job: Job) -> None:
    """Writes the file of a job, replacing its earlier one."""
    path = job_file(results_dir, name, job.number)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, asdict(job))


def read_jobs(results_dir: Path, name: str) -> list[Job]:
    """The jobs noted so far, by number. A damaged file counts as a failed job."""
    return [_read(file) for file in sorted(jobs_dir(results_dir, name).glob("*.json"))]


def _read(file: Path) -> Job:
    try:
        return from_json(Job, json.loads(file.read_text()))
    except (OSError, ValueError) as error:
        message = f"{file} is damaged ({error}); repeat the command"
        return Job(-1, [], "failed", error=message)
