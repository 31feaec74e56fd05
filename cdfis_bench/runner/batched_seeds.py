"""Several jobs of a sweep that differ in their seed only, computed as one network."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from cdfis_bench.config.build import build, build_tracker
from cdfis_bench.config.device import computing_on
from cdfis_bench.core.errors import UserError
from cdfis_bench.core.tracking import Tracker
from cdfis_bench.engine.batched_seeds.train import train_batched_seeds
from cdfis_bench.engine.setup import RunSetup
from cdfis_bench.records.experiment import Job, note_job
from cdfis_bench.records.provenance import provenance
from cdfis_bench.records.run_folder import RunFolder, claim
from cdfis_bench.records.stored_run import StoredRun
from cdfis_bench.runner.job import (
    Plan,
    Summary,
    about_setup,
    failure,
    mirror,
    plan_run,
    run_card,
    say_result,
    summary_of,
)
from cdfis_bench.runner.progress import run_progress, say


@dataclass(frozen=True, slots=True)
class SeedJob:
    """A job of the sweep: its number, its overrides, and its configuration."""

    number: int
    overrides: list[str]
    cfg: DictConfig


@dataclass(frozen=True, slots=True)
class _Begun:
    """A run that is to be computed."""

    job: SeedJob
    plan: Plan
    run: RunFolder


def run_together(jobs: Sequence[SeedJob]) -> list[Summary]:
    """Computes the runs of the jobs, or finds them done, and returns their summaries.

    jobs: of one arm. As run_job in a sweep: what fails is recorded, and the sweep goes on. If seeds
    of this arm cannot train at once, all that are not done fail, with the reason.
    """
    summaries: dict[int, Summary] = {}

    def end(job: SeedJob, stored: StoredRun, status: str) -> None:
        _note(job, status, method=stored.record.method, run=stored.name)
        summaries[job.number] = summary_of(stored)

    def fail(job: SeedJob, error: UserError) -> None:
        _note(job, "failed", error=str(error))
        summaries[job.number] = {"error": str(error)}

    with ExitStack() as claims:
        begun = _begin(jobs, claims, end, fail)
        if begun:
            try:
                for one, stored in zip(begun, _compute(begun), strict=True):
                    end(one.job, stored, "computed")
            # As in job.py: no failure goes unrecorded.
            except Exception as error:
                told = [failure(one.run, error) for one in begun]
                say(f"failed: {' '.join(begun[0].job.overrides)} and its other seeds: {told[0]}")
                for one, of_run in zip(begun, told, strict=True):
                    fail(one.job, of_run)
    return [summaries[job.number] for job in jobs]


def _begin(
    jobs: Sequence[SeedJob],
    claims: ExitStack,
    end: Callable[[SeedJob, StoredRun, str], None],
    fail: Callable[[SeedJob, UserError], None],
) -> list[_Begun]:
    """The runs that are not done yet, each claimed until `claims` is closed."""
    begun: list[_Begun] = []
    for job in jobs:
        _note(job, "running")
        try:
            plan = plan_run(job.cfg)
            if any(plan.folder == one.plan.folder for one in begun):
                raise UserError(f"seed={plan.config['seed']} is there twice; give each seed once")
            stored = claims.enter_context(claim(plan.folder))
        except UserError as error:
            say(f"failed: {' '.join(job.overrides)}: {error}")
            fail(job, error)
            continue
        if stored is not None:
            say(f"{stored.name}: done before, kept")
            end(job, stored, "stored")
        else:
            begun.append(_Begun(job, plan, RunFolder(plan.folder)))
    for one in begun:
        origin = provenance(one.plan.device, "batched_seeds", 1, seeds_at_once=len(begun))
        one.run.begin(**one.plan.about, **origin)
    return begun


def _compute(begun: Sequence[_Begun]) -> list[StoredRun]:
    """Trains all of them and records each."""
    first = begun[0].plan
    tracker = build_tracker(first.config)
    tracker.check()
    with computing_on(first.device, first.config["device"]["threads"]):
        setups = [build(one.plan.config, one.plan.device, one.plan.keep) for one in begun]
        for one, setup in zip(begun, setups, strict=True):
            one.run.note(**about_setup(setup))
        budget = setups[0].budget
        name = f"{first.folder.name} and {len(begun) - 1} more"
        with run_progress(name, budget.steps, budget.train_seconds, below=True) as progress:
            summaries = train_batched_seeds(setups, [one.run for one in begun], progress)
    stored = [one.run.finish(of) for one, of in zip(begun, summaries, strict=True)]
    for one, setup, done in zip(begun, setups, stored, strict=True):
        _track(tracker, one, setup, done)
        say_result(done)
    return stored


def _track(tracker: Tracker, one: _Begun, setup: RunSetup, stored: StoredRun) -> None:
    """Mirrors a run afterwards: trackers keep one run open at a time."""
    with tracker.open(run_card(one.plan, sweeping=True)) as tracked:
        for row in stored.rows():
            tracked.row("curve", **row)
        mirror(tracked, stored, setup.dataset)


def _note(job: SeedJob, status: str, **values: str) -> None:
    results_dir, name = Path(job.cfg.results_dir), str(job.cfg.name)
    note_job(results_dir, name, Job(job.number, job.overrides, status, **values))
