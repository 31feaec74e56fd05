"""The jobs of Hydra: a single run, or the runs of a sweep, which fail one by one."""

import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.interrupts import raise_if_interrupted
from cdfis_bench.core.printable import os_sentence
from cdfis_bench.records.experiment import Job, job_file, note_job
from cdfis_bench.runner.compute import Launch, Outcome, compute_runs
from cdfis_bench.runner.plan import RunPlan, plan_run
from cdfis_bench.runner.progress import say

JobSummary = dict[str, Any]  # what Hydra gets back: the run's name and summary, or its error


@dataclass(frozen=True, slots=True)
class SweepJob:
    """A job of a sweep.

    Attributes:
        number: Position in the sweep, from 0.
        overrides: Its Hydra overrides.
        cfg: Its composed configuration.
    """

    number: int
    overrides: Sequence[str]
    cfg: DictConfig


def run_job(cfg: DictConfig) -> JobSummary:
    """Computes the run that `cfg` describes, unless it is stored already.

    Args:
        cfg: The composed configuration of a Hydra job.

    Returns:
        The name and the summary of the run. In a sweep, a job that fails returns its error, so that
        the sweep goes on; SweepCallback sets the exit code. A single run that fails ends the
        process with exit code 1.
    """
    hydra = HydraConfig.get()
    if hydra.mode == RunMode.MULTIRUN:
        job = SweepJob(int(hydra.job.num), list(hydra.overrides.task), cfg)
        name = hydra.runtime.choices["hydra/launcher"]
        concurrent_runs = {"basic": 1, "pool": hydra.launcher.get("n_jobs")}.get(name)
        (summary,) = run_sweep_jobs([job], Launch(name, concurrent_runs, str(cfg.name)))
        return summary
    try:
        (outcome,) = compute_runs([plan_run(cfg)], Launch())
        if outcome.error is not None:
            raise outcome.error
    except BrokenPipeError:  # whoever read the output has gone; the command line ends quietly
        raise
    except (UserError, OSError) as error:
        # Hydra adds two lines of its own to any exception but SystemExit.
        sys.exit(f"cdfis_bench: {os_sentence(error) if isinstance(error, OSError) else error}")
    return _summary(outcome)


def run_sweep_jobs(jobs: Sequence[SweepJob], launch: Launch) -> list[JobSummary]:
    """Computes the runs of the jobs, unless they are stored already, and notes what became of them.

    A job that fails, for whatever reason, is noted as failed and raises nothing.

    Args:
        jobs: One job, or several that differ in their seed only.
        launch: How the sweep starts its runs.

    Returns:
        For each job the name and the summary of its run, or its error.
    """
    raise_if_interrupted()
    plans: dict[int, RunPlan] = {}
    outcomes: dict[int, Outcome] = {}
    for job in jobs:
        _note(job, "running")
        try:
            plans[job.number] = plan_run(job.cfg)
        except Exception as error:
            outcomes[job.number] = _failed(job, error)
    if plans:
        try:
            computed = compute_runs(list(plans.values()), launch)
            outcomes |= dict(zip(plans, computed, strict=True))
        except Exception as error:
            outcomes |= {job.number: _failed(job, error) for job in jobs if job.number in plans}
    for job in jobs:
        outcome = outcomes[job.number]
        if outcome.stored is not None:
            status = "computed" if outcome.computed else "stored"
            stored = outcome.stored
            _note(job, status, method=stored.record.method, run=stored.name)
        else:
            _note(job, "failed", error=str(outcome.error), traceback=outcome.traceback)
    return [_summary(outcomes[job.number]) for job in jobs]


def _failed(job: SweepJob, error: Exception) -> Outcome:
    """A failure without a run folder to record it in: its traceback goes into the job's file."""
    if isinstance(error, UserError):
        return Outcome(error=error)
    if isinstance(error, OSError):
        return Outcome(error=UserError(os_sentence(error)))
    path = job_file(Path(job.cfg.results_dir), str(job.cfg.name), job.number)
    message = f"unexpected error {error!r}; the traceback is in {path}"
    return Outcome(error=UserError(message), traceback=traceback.format_exc())


def _summary(outcome: Outcome) -> JobSummary:
    if outcome.stored is None:
        return {"error": str(outcome.error)}
    run = {"run": outcome.stored.name, "computed": outcome.computed}
    return {**run, **outcome.stored.summary.to_json()}


def _note(job: SweepJob, status: Any, **values: str | None) -> None:
    results_dir, name = Path(job.cfg.results_dir), str(job.cfg.name)
    try:
        note_job(results_dir, name, Job(job.number, job.overrides, status, **values))
    except OSError as error:  # the run itself may be stored; without its note it counts as missing
        say(f"job {job.number} of {name} cannot be noted: {os_sentence(error)}")
