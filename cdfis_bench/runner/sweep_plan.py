"""The plan of a sweep: written before its first job starts, and never over somebody else's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cdfis_bench.core.errors import UserError
from cdfis_bench.records.experiment import (
    PlannedJob,
    experiment_dir,
    read_jobs,
    read_plan,
    write_plan,
)

# Overrides that change neither the runs nor what is compared: a sweep may be repeated with others.
_FREE_KEYS = ("tracker", "wandb", "figure", "name", "results_dir", "checkpoint_every", "force")
_FREE_KEYS += ("dataset.root", "dataset.path", "dataset.cache_dir", "dataset.download")

Overrides = Sequence[str]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is known of a sweep before it starts.

    Attributes:
        runs: Number of jobs.
        stored: Number of them whose run an earlier sweep of this name has finished.
        seconds: Time for the others, one after the other; None without a finished run to go by.
    """

    runs: int
    stored: int
    seconds: float | None

    def text(self, concurrent_runs: int = 1) -> str:
        """Such as "50 runs, 35 stored, about 3 min".

        Args:
            concurrent_runs: Number of runs that are computed at a time.
        """
        parts = [f"{self.runs} run{'s' if self.runs != 1 else ''}"]
        parts += [f"{self.stored} stored"] if self.stored else []
        if self.seconds is not None and self.stored < self.runs:
            parts.append(f"about {duration(self.seconds / concurrent_runs)}")
        return ", ".join(parts)


def duration(seconds: float) -> str:
    """Seconds as a reader says them: "40 s", "3 min", "2 h 5 min"."""
    if seconds < 59.5:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def check_plan(results_dir: Path, name: str, jobs: Sequence[Overrides]) -> None:
    """Refuses a sweep that would take the place of another one.

    A sweep may be repeated, also with more jobs, and a plan of which nothing was finished may be
    replaced. But no finished run may drop out of a figure because another sweep has the same name.

    Args:
        results_dir: The store of runs.
        name: Name of the sweep.
        jobs: The overrides of every job.

    Raises:
        UserError: If an earlier sweep of this name has finished runs that are not among the jobs.
    """
    asked_for = {_what_counts(overrides) for overrides in jobs}
    finished = _finished(results_dir, name)
    others = [overrides for what, (overrides, _) in finished.items() if what not in asked_for]
    if others:
        everywhere = {one for overrides in jobs for one in overrides}
        unknown = [one for one in others[0] if one not in everywhere]
        one = " ".join(unknown or others[0])
        raise UserError(
            f"name={name} is taken: an earlier sweep in {experiment_dir(results_dir, name)} has "
            f"{len(others)} finished run{'s' if len(others) > 1 else ''} that this one does not "
            f"ask for ({one}); give this one a name of its own: name=another"
        )


def start_plan(results_dir: Path, name: str, jobs: Sequence[Overrides]) -> Forecast:
    """Writes the plan and forgets the jobs of the last command; runs are kept.

    Args:
        results_dir: The store of runs.
        name: Name of the sweep, whose folder is locked.
        jobs: The overrides of every job.

    Returns:
        What is known of the sweep.
    """
    finished = _finished(results_dir, name)
    planned = [
        PlannedJob(list(overrides), finished.get(_what_counts(overrides), (None, None))[1])
        for overrides in jobs
    ]
    write_plan(results_dir, name, planned)
    runs = {job.last_run for job in planned if job.last_run}
    seconds = {run: took for run in runs if (took := _seconds(results_dir / "runs" / run))}
    stored = [job for job in planned if job.last_run in seconds]
    if not stored:
        return Forecast(len(jobs), 0, None)
    mean = sum(seconds.values()) / len(seconds)
    by_arm: dict[Overrides, list[float]] = {}
    for job in stored:
        by_arm.setdefault(_arm(job.overrides), []).append(seconds[job.last_run or ""])
    missing = [by_arm.get(_arm(job.overrides), [mean]) for job in planned if job not in stored]
    return Forecast(len(jobs), len(stored), sum(sum(took) / len(took) for took in missing))


def _finished(results_dir: Path, name: str) -> dict[frozenset[str], tuple[Overrides, str]]:
    """The jobs of the earlier sweeps of this name that have a run: their overrides and its name."""
    found: dict[frozenset[str], tuple[Overrides, str]] = {}
    try:
        plan = read_plan(results_dir, name) or []
    except UserError:  # a damaged plan: the job files still say what was finished
        plan = []
    for planned in plan:
        if planned.last_run:
            found[_what_counts(planned.overrides)] = (planned.overrides, planned.last_run)
    for job in read_jobs(results_dir, name):
        if job.run:
            found[_what_counts(job.overrides)] = (job.overrides, job.run)
    return found


def _what_counts(overrides: Iterable[str]) -> frozenset[str]:
    """The overrides that tell a job from others, in any order."""
    return frozenset(
        one
        for one in overrides
        if not any(
            one.lstrip("+").split("=")[0] == key or one.lstrip("+").startswith(f"{key}.")
            for key in _FREE_KEYS
        )
    )


def _arm(overrides: Iterable[str]) -> tuple[str, ...]:
    return tuple(one for one in overrides if not one.startswith("seed="))


def _seconds(folder: Path) -> float | None:
    """How long the finished run in a folder took, waiting included; None if there is none."""
    from cdfis_bench.records.stored_run import read_run  # h5py takes a moment to import

    try:
        run = read_run(folder)
    except UserError:
        return None
    if run is None or not run.done:
        return None
    record = run.record
    training = run.summary.train_seconds
    if record.started is None or record.ended is None or record.resumed:
        return max(training, 0.1)
    try:
        took = datetime.fromisoformat(record.ended) - datetime.fromisoformat(record.started)
    except ValueError:
        return max(training, 0.1)
    return max(took.total_seconds(), training, 0.1)
