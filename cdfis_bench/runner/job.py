"""One job: from a composed configuration to a finished run folder."""

import dataclasses
import sys
import traceback
from pathlib import Path
from typing import Any

import torch
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from torch import Tensor

from cdfis_bench.analysis.importance.rates import extremes
from cdfis_bench.config.build import build, build_tracker, check_values, fingerprint
from cdfis_bench.config.device import computing_on, find_device
from cdfis_bench.core.errors import UserError
from cdfis_bench.core.tracking import RunCard, TrackerRun
from cdfis_bench.datasets.dataset import Dataset
from cdfis_bench.datasets.make_gallery import make_gallery
from cdfis_bench.engine.loop import train
from cdfis_bench.engine.setup import RunSetup
from cdfis_bench.records.experiment import Job, note_job
from cdfis_bench.records.identity import arm_id, run_name
from cdfis_bench.records.provenance import one_after_the_other, provenance
from cdfis_bench.records.run_folder import RunFolder, claim
from cdfis_bench.records.stored_run import StoredRun
from cdfis_bench.runner.progress import run_progress, say
from cdfis_bench.runner.pruning import Keep, keep_of

SAMPLES_SHOWN = 20  # at either end
Summary = dict[str, float | int | str | list[float] | None]


class Tee:
    """A Recorder that hands everything to several."""

    def __init__(self, *recorders: Any) -> None:
        self._recorders = recorders

    def row(self, table: str, **values: float | int | bool | None) -> None:
        for recorder in self._recorders:
            recorder.row(table, **values)

    def array(self, name: str, values: Tensor) -> None:
        for recorder in self._recorders:
            recorder.array(name, values)


def run_job(cfg: DictConfig) -> Summary:
    """Computes the run that `cfg` describes, or finds it done, and returns its summary.

    In a sweep a run that fails is recorded and the sweep goes on; its callback answers for the exit
    code. A single run that fails ends the process with its sentence and exit code 1.
    """
    hydra = HydraConfig.get()
    if hydra.mode != RunMode.MULTIRUN:
        try:
            return summary_of(_run(cfg, sweeping=False)[0])
        except UserError as error:
            # Hydra would announce any exception but SystemExit with two lines of its own.
            sys.exit(f"cdfis_bench: {error}")
    results_dir, name = Path(cfg.results_dir), str(cfg.name)
    number, overrides = int(hydra.job.num), list(hydra.overrides.task)
    note_job(results_dir, name, Job(number, overrides, "running"))
    try:
        stored, computed = _run(cfg, sweeping=True)
    except UserError as error:
        say(f"failed: {' '.join(overrides)}: {error}")
        note_job(results_dir, name, Job(number, overrides, "failed", error=str(error)))
        return {"error": str(error)}
    status = "computed" if computed else "stored"
    note_job(results_dir, name, Job(number, overrides, status, stored.record.method, stored.name))
    return summary_of(stored)


def summary_of(stored: StoredRun) -> Summary:
    return {"run": stored.name, **stored.record.summary}


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """A run that a configuration asks for. data: fingerprint of the whole data; keep: the part of
    its training set that is trained on.
    """

    config: dict[str, Any]
    device: torch.device
    data: str
    keep: Keep
    arm: str
    folder: Path

    @property
    def about(self) -> dict[str, Any]:
        """What run.json begins with, but for where the numbers come from."""
        return {
            "id": f"{self.arm}-s{self.config['seed']}",
            "arm": self.arm,
            "seed": self.config["seed"],
            "method": self.config["method"],
            "config": self.config,
            "data_fingerprint": self.data,
        }


def plan_run(cfg: DictConfig) -> Plan:
    """The run that `cfg` describes. Raises UserError if it cannot work, or its data is missing."""
    config = _resolved(cfg)
    check_values(config)
    device = find_device(config["device"]["name"])
    data = fingerprint(config)
    keep = keep_of(config, data)
    arm = arm_id(config, device.type, data + keep.fingerprint)
    folder = Path(config["results_dir"]) / "runs" / run_name(config, arm)
    return Plan(config, device, data, keep, arm, folder)


def _run(cfg: DictConfig, sweeping: bool) -> tuple[StoredRun, bool]:
    """The stored run, and whether it was computed now. Raises nothing but UserError."""
    plan = plan_run(cfg)
    with claim(plan.folder) as stored:
        if stored is not None:
            say(f"{stored.name}: done before, kept")
            return stored, False
        with computing_on(plan.device, plan.config["device"]["threads"]):
            stored = _compute(plan, sweeping)
    say_result(stored)
    return stored, True


def _resolved(cfg: DictConfig) -> dict[str, Any]:
    """Plain values. Raises UserError if one refers to a key that is not there, say."""
    try:
        return OmegaConf.to_container(cfg, resolve=True, enum_to_str=True)  # type: ignore[return-value]
    except OmegaConfBaseException as error:
        raise UserError(f"{error.full_key}: {str(error).splitlines()[0]}") from error


def _compute(plan: Plan, sweeping: bool) -> StoredRun:
    """Trains and records.

    Raises UserError; the folder then says `failed`, unless the run was already done.
    """
    config, device = plan.config, plan.device
    launcher, concurrent_runs = _launcher()
    origin = provenance(device, launcher, concurrent_runs)
    run = RunFolder(plan.folder)
    resumed = run.resume()
    if resumed is None:
        run.begin(**plan.about, **origin)
    else:
        run.note(hardware=one_after_the_other(run.record.hardware, origin["hardware"]))
    state, rows = resumed or (None, [])
    try:
        tracker = build_tracker(config)
        tracker.check()
        setup = build(config, device, plan.keep)
        run.note(**about_setup(setup))
        budget = setup.budget
        with (
            tracker.open(run_card(plan, sweeping)) as tracked,
            run_progress(
                plan.folder.name,
                budget.steps,
                budget.train_seconds,
                below=sweeping,
                shown=concurrent_runs == 1,
            ) as progress,
        ):
            for row in rows:  # a tracker starts afresh: it gets what was recorded before, too
                tracked.row("curve", **row)
            summary = train(setup, Tee(run, tracked), progress, run.save_state, state)
            stored = run.finish(summary)
            mirror(tracked, stored, setup.dataset)
            return stored
    # The one place that catches everything, so that no failure goes unrecorded.
    except Exception as error:
        told = failure(run, error)
        if told is error:
            raise
        raise told from error


def about_setup(setup: RunSetup) -> dict[str, Any]:
    """What run.json says of the data and the backend, once they are there."""
    return {
        "dataset": setup.dataset.title,
        "train_samples": len(setup.dataset.train),
        "test_samples": len(setup.dataset.test),
        "backend": dataclasses.asdict(setup.backend),
    }


def failure(run: RunFolder, error: Exception) -> UserError:
    """Records that `run` failed, unless it was already done; returns what to tell the user."""
    told = str(error) if isinstance(error, UserError) else f"{error!r}"
    if not run.done:
        run.fail(told, traceback.format_exc())
    if isinstance(error, UserError):
        return error
    return UserError(
        f"{run.folder.name} failed: {told}; the traceback is in {run.folder / 'run.json'}"
    )


def _launcher() -> tuple[str, int | None]:
    """What started this run, and how many runs it computes at a time (None: not known)."""
    hydra = HydraConfig.get()
    if hydra.mode != RunMode.MULTIRUN:
        return "none", 1
    name = hydra.runtime.choices["hydra/launcher"]
    return name, {"basic": 1, "pool": hydra.launcher.get("n_jobs")}.get(name)


def run_card(plan: Plan, sweeping: bool) -> RunCard:
    config = plan.config
    dataset = config["dataset"]["name"]
    return RunCard(
        id=f"{plan.arm}-s{config['seed']}",
        name=plan.folder.name,
        arm=f"{dataset}-{config['method']}-{plan.arm}",
        dataset=dataset,
        method=config["method"],
        seed=config["seed"],
        experiment=config["name"] if sweeping else None,
        config=config,
        results_dir=Path(config["results_dir"]),
    )


def mirror(tracked: TrackerRun, stored: StoredRun, dataset: Dataset) -> None:
    """The summary, the run's own pictures, and its most and least selected samples to the tracker.

    A picture that fails costs no run.
    """
    from cdfis_bench.figures.importance.run import draw_samples
    from cdfis_bench.figures.single import draw_single  # matplotlib takes half a second to import

    tracked.summary(**stored.record.summary)
    shown = make_gallery(dataset)
    ends = extremes(stored, shown.labels, SAMPLES_SHOWN) or {}
    try:
        pictures = draw_single(stored) + draw_samples(stored, ends, shown)
    except Exception as error:
        say(f"{stored.name}: it could not be drawn ({error!r}); the run itself is kept")
        pictures = []
    for picture in pictures:
        tracked.image(picture.stem, picture)
    tracked.table(
        "selected_samples", [{"end": end, **row} for end, rows in ends.items() for row in rows]
    )


def say_result(stored: StoredRun) -> None:
    result = stored.record.summary
    gate = result["gate_open_step"]
    opened = "the gate stayed closed" if gate is None else f"gate opened at step {gate}"
    fallbacks = result["fallback_count"]
    uniform = f", {fallbacks} steps fell back to uniform" if fallbacks else ""
    say(
        f"{stored.name}: test accuracy {result['test_accuracy']:.4f} after {result['steps']} "
        f"steps, {result['train_seconds']:.1f} s ({opened}{uniform})"
    )
