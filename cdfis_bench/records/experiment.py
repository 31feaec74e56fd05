"""Which runs belong to a sweep: one small file per job, so that any process may write its own."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from cdfis_bench.records.files import write_json


@dataclass(frozen=True, slots=True)
class Job:
    """One job of a sweep. status: running | computed | stored (was done already) | failed. run:
    folder name.
    """

    number: int
    overrides: list[str]
    status: str
    method: str | None = None
    run: str | None = None
    error: str | None = None


def jobs_dir(results_dir: Path, name: str) -> Path:
    return results_dir / "experiments" / name / "jobs"


def forget_jobs(results_dir: Path, name: str) -> None:
    """An experiment is what its last command asked for; runs stay in the store."""
    shutil.rmtree(jobs_dir(results_dir, name), ignore_errors=True)


def note_job(results_dir: Path, name: str, job: Job) -> None:
    folder = jobs_dir(results_dir, name)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / f"{job.number:05d}.json", asdict(job))


def read_jobs(results_dir: Path, name: str) -> list[Job]:
    """The jobs noted so far, by number. A damaged note is a failed job."""
    return [_read(file) for file in sorted(jobs_dir(results_dir, name).glob("*.json"))]


def _read(file: Path) -> Job:
    try:
        return Job(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError) as error:
        told = f"{file} is damaged ({error}); give the command again"
        return Job(-1, [], "failed", error=told)
