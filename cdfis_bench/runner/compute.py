"""Computing planned runs and recording them: one run, or several seeds as one network."""

import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from cdfis_bench.config.build import build, make
from cdfis_bench.config.device import computing_on
from cdfis_bench.core.errors import UserError
from cdfis_bench.core.printable import os_sentence
from cdfis_bench.engine.batched_seeds.train import train_batched_seeds
from cdfis_bench.engine.loop import train
from cdfis_bench.engine.setup import RunSetup
from cdfis_bench.records.claims import claim, claim_order
from cdfis_bench.records.provenance import merged_hardware, provenance
from cdfis_bench.records.replacement import install_replacement, make_replacement, replacement_of
from cdfis_bench.records.run_writer import RunWriter, has_state
from cdfis_bench.records.stored_run import RUN_FILE, StoredRun
from cdfis_bench.runner.mirror import Tee, mirror_result, open_run
from cdfis_bench.runner.plan import RunPlan
from cdfis_bench.runner.progress import RunProgress, run_progress, say
from cdfis_bench.trackers.tracker import Tracker


@dataclass(frozen=True, slots=True)
class Launch:
    """How runs are started.

    Attributes:
        launcher: Name of the Hydra launcher of a sweep; "none" for a single run.
        concurrent_runs: Number of runs that are computed at a time; None if unknown.
        experiment: Name of the sweep; None for a single run.
    """

    launcher: str = "none"
    concurrent_runs: int | None = 1
    experiment: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a planned run.

    Attributes:
        stored: The run; None if it failed.
        computed: Whether it was computed now; otherwise it had been done before.
        error: Why it failed. Seeds that failed together share one exception object.
        traceback: Traceback of an error that is not recorded in a run folder.
    """

    stored: StoredRun | None = None
    computed: bool = False
    error: UserError | None = None
    traceback: str | None = None


@dataclass(frozen=True, slots=True)
class _StartedRun:
    """A claimed run. Its state and rows are those of the attempt that it resumes, if any."""

    plan: RunPlan
    writer: RunWriter
    state: dict[str, Any] | None = None
    rows: Sequence[dict[str, Any]] = field(default_factory=list)


def compute_runs(plans: Sequence[RunPlan], launch: Launch) -> list[Outcome]:
    """Computes the planned runs that are not stored yet.

    Several runs are trained as one network. What fails is recorded in the run folder: no run that
    was started is left with the status "running", unless this process is killed.

    Args:
        plans: One or more runs, which differ in their seed only.
        launch: How they are started.

    Returns:
        An outcome for every plan, in order. Plans of the same run share one.
    """
    by_folder = {plan.folder: plan for plan in plans}
    outcomes: dict[Path, Outcome] = {}
    with ExitStack() as claims:
        for folder in claim_order(by_folder):
            again = by_folder[folder].config.force
            try:
                stored = claims.enter_context(claim(folder, again) if again else claim(folder))
            except UserError as error:
                outcomes[folder] = Outcome(error=error)
                continue
            if stored is not None:
                say(f"{stored.name}: done before{_date(stored)}, kept")
                outcomes[folder] = Outcome(stored)
        missing = [plan for folder, plan in by_folder.items() if folder not in outcomes]
        for together in _groups(missing):
            for plan, outcome in zip(together, _compute(together, launch), strict=True):
                outcomes[plan.folder] = outcome
    return [outcomes[plan.folder] for plan in plans]


def _groups(plans: Sequence[RunPlan]) -> list[list[RunPlan]]:
    """Runs to train together. A run that was interrupted goes on alone: only it has a state."""
    alone = [
        plan for plan in plans if has_state(plan.folder) or has_state(replacement_of(plan.folder))
    ]
    together = [plan for plan in plans if plan not in alone]
    return [*([plan] for plan in alone), *([together] if together else [])]


def _date(stored: StoredRun) -> str:
    ended = stored.record.ended
    return f" on {ended[:10]}" if ended else ""


def _compute(plans: Sequence[RunPlan], launch: Launch) -> list[Outcome]:
    """Trains and records the runs, whose folders are claimed."""
    first = plans[0]
    started: list[_StartedRun] = []
    places: list[RunPlan] = []
    # Every exception is caught, so that each failure is recorded in the run folders.
    try:
        places += [_placed(plan) for plan in plans]
        with computing_on(first.device, first.config.device["threads"]):
            # Whatever can be refused is, before an earlier attempt's files are touched.
            tracker: Tracker = make("tracker", first.config.tracker)
            tracker.check()
            setups = [build(plan.config, plan.device, plan.keep) for plan in places]
            for plan in places:
                started.append(_start(plan, launch, seeds_at_once=len(plans)))
            stored_runs = _train(started, setups, tracker, launch)
        for at, (plan, place) in enumerate(zip(plans, places, strict=True)):
            if place.folder != plan.folder:
                stored_runs[at] = install_replacement(plan.folder) or stored_runs[at]
    except Exception as error:
        message = _record_failure(error, places, started, launch)
        return [Outcome(error=message) for _ in plans]
    for stored in stored_runs:
        say(_result(stored))
    return [Outcome(stored, computed=True) for stored in stored_runs]


def _placed(plan: RunPlan) -> RunPlan:
    """The plan, in a folder of its own if it is to replace what is stored."""
    if plan.config.force and ((plan.folder / RUN_FILE).exists() or has_state(plan.folder)):
        return replace(plan, folder=make_replacement(plan.folder))
    return plan


def _start(plan: RunPlan, launch: Launch, seeds_at_once: int) -> _StartedRun:
    """Begins the run, or resumes it: only single runs save a state to resume from."""
    made_with = provenance(plan.device, launch.launcher, launch.concurrent_runs, seeds_at_once)
    record = plan.record(made_with)
    resumed = RunWriter.resume(plan.folder, record) if seeds_at_once == 1 else None
    if resumed is None:
        return _StartedRun(plan, RunWriter.begin(plan.folder, record))
    writer, state, rows = resumed
    writer.note(hardware=merged_hardware(writer.record.hardware, made_with["hardware"]))
    return _StartedRun(plan, writer, state, rows)


def _train(
    started: Sequence[_StartedRun], setups: Sequence[RunSetup], tracker: Tracker, launch: Launch
) -> list[StoredRun]:
    plan = started[0].plan
    for run, setup in zip(started, setups, strict=True):
        validation = setup.dataset.validation
        run.writer.note(
            dataset=setup.dataset.title,
            train_samples=len(setup.dataset.train),
            test_samples=len(setup.dataset.test),
            validation_samples=None if validation is None else len(validation),
            backend=asdict(setup.backend),
        )
    more = f" and {len(started) - 1} more" if len(started) > 1 else ""
    with run_progress(
        plan.folder.name + more,
        setups[0].budget.steps,
        setups[0].budget.train_seconds,
        below=launch.experiment is not None,
        shown=launch.concurrent_runs == 1,
    ) as progress:
        if len(started) == 1:
            return [_train_one(started[0], setups[0], tracker, launch, progress)]
        return _train_batch(started, setups, tracker, launch, progress)


def _train_one(
    run: _StartedRun, setup: RunSetup, tracker: Tracker, launch: Launch, progress: RunProgress
) -> StoredRun:
    with open_run(tracker, run.writer, run.plan.config, launch.experiment) as tracked:
        for row in run.rows:  # the tracker starts an empty run, also for one that is resumed
            tracked.row("curve", **row)
        recorder = Tee(run.writer, tracked)
        summary = train(setup, recorder, progress, run.writer.save_state, run.state)
        stored = run.writer.finish(summary)
        mirror_result(tracked, stored, setup.dataset)
    return stored


def _train_batch(
    started: Sequence[_StartedRun],
    setups: Sequence[RunSetup],
    tracker: Tracker,
    launch: Launch,
    progress: RunProgress,
) -> list[StoredRun]:
    """Trains several seeds, then tracks them: a tracker has only one open run at a time."""
    summaries = train_batched_seeds(setups, [run.writer for run in started], progress)
    stored_runs = [
        run.writer.finish(summary) for run, summary in zip(started, summaries, strict=True)
    ]
    for run, setup, stored in zip(started, setups, stored_runs, strict=True):
        with open_run(tracker, run.writer, run.plan.config, launch.experiment) as tracked:
            for row in stored.rows():
                tracked.row("curve", **row)
            mirror_result(tracked, stored, setup.dataset)
    return stored_runs


def _record_failure(
    error: Exception, plans: Sequence[RunPlan], started: Sequence[_StartedRun], launch: Launch
) -> UserError:
    """Records the failure of runs that are not done yet; returns it as one sentence.

    Args:
        error: What went wrong.
        plans: The runs.
        started: Those that were begun or resumed.
        launch: How they were started.
    """
    if isinstance(error, OSError):
        error = UserError(os_sentence(error))
    message = str(error) if isinstance(error, UserError) else repr(error)
    trace, recorded = traceback.format_exc(), True
    try:
        for run in started:
            if run.writer.record.status != "done":
                run.writer.fail(message, trace)
        for plan in plans[len(started) :]:
            made_with = provenance(plan.device, launch.launcher, launch.concurrent_runs, len(plans))
            RunWriter.refuse(plan.folder, plan.record(made_with), message, trace)
    except (UserError, OSError):  # a full disk takes no record either
        recorded = False
    if isinstance(error, UserError):
        return error
    if not plans:
        return UserError(f"the run cannot be started ({message})")
    where = f"; the traceback is in {plans[0].folder / RUN_FILE}" if recorded else ""
    return UserError(f"{plans[0].folder.name} failed: {message}{where}")


def _result(stored: StoredRun) -> str:
    """The line that is printed for a run."""
    summary = stored.summary
    if summary.gate_open_step is None:
        gate = "the threshold stayed closed"
    else:
        gate = f"the threshold opened at step {summary.gate_open_step}"
    fallbacks = summary.fallback_count
    uniform = f", {fallbacks} steps fell back to uniform" if fallbacks else ""
    return (
        f"{stored.name}: test accuracy {summary.test_accuracy:.4f} after {summary.steps} steps, "
        f"{summary.train_seconds:.1f} s ({gate}{uniform})"
    )
