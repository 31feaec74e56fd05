"""The jobs of a sweep: what fails is recorded, and the others are computed."""

import json
import threading
from contextlib import contextmanager, suppress

import pytest
from hydra import compose, initialize_config_dir

from cdfis_bench.config.where import conf_dir
from cdfis_bench.core.errors import UserError
from cdfis_bench.datasets.two_circles import TwoCircles
from cdfis_bench.records.claims import claim
from cdfis_bench.records.experiment import read_jobs
from cdfis_bench.records.stored_run import read_run
from cdfis_bench.runner import compute
from cdfis_bench.runner.compute import Launch, Outcome, compute_runs
from cdfis_bench.runner.job import SweepJob, run_sweep_jobs
from cdfis_bench.runner.plan import plan_run
from tests.app.command import runs
from tests.engine.small import SMALL, numbers

LAUNCH = Launch("basic", 1, "sweep")


class Unplannable(TwoCircles):
    """A guest's data whose fingerprint has a bug."""

    def fingerprint(self):
        raise ZeroDivisionError("a bug in a guest's dataset")


class Unloadable(TwoCircles):
    """A guest's data whose loading has a bug."""

    def load(self, device):
        raise ZeroDivisionError("a bug in a guest's dataset")


def jobs(folder, *arms):
    """Jobs of a sweep called `sweep`; arms: overrides of each job, separated by spaces."""
    made = []
    for number, arm in enumerate(arms):
        overrides = arm.split()
        common = [*SMALL, "budget.steps=20", f"results_dir={folder}/results", "name=sweep"]
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            cfg = compose("config", [*common, *overrides])
        made.append(SweepJob(number, overrides, cfg))
    return made


BROKEN = "dataset._target_=tests.runner.test_job."


def test_an_unexpected_error_while_planning_is_recorded_and_the_sweep_goes_on(tmp_path):
    broken, fine = jobs(tmp_path, BROKEN + "Unplannable", "seed=1")
    (failed,) = run_sweep_jobs([broken], LAUNCH)
    (computed,) = run_sweep_jobs([fine], LAUNCH)
    assert "ZeroDivisionError" in failed["error"] and computed["steps"] == 20
    first, second = read_jobs(tmp_path / "results", "sweep")
    assert (first.status, second.status) == ("failed", "computed")
    assert "in fingerprint" in first.traceback, "where it happened is kept"
    assert "00000.json" in first.error, "and the message says where"


def test_an_unexpected_error_while_computing_is_recorded_in_the_run_folder(tmp_path):
    (summary,) = run_sweep_jobs(jobs(tmp_path, BROKEN + "Unloadable"), LAUNCH)
    (folder,) = runs(tmp_path)
    record = read_run(folder).record
    assert record.status == "failed" and "in load" in record.traceback
    assert str(folder / "run.json") in summary["error"]
    assert read_jobs(tmp_path / "results", "sweep")[0].status == "failed"


def test_one_seed_that_cannot_be_planned_leaves_the_other_seeds_to_be_computed(tmp_path):
    batch = jobs(tmp_path, "seed=0", "seed=1 batch_size=5000", "seed=2")
    summaries = run_sweep_jobs(batch, Launch("batched_seeds", 1, "sweep"))
    assert [summary.get("steps") for summary in summaries] == [20, None, 20]
    assert "batch_size=5000" in summaries[1]["error"]
    assert [job.status for job in read_jobs(tmp_path / "results", "sweep")] == [
        *("computed", "failed", "computed")
    ]
    hardware = read_run(runs(tmp_path)[0]).record.hardware
    assert hardware["seeds_at_once"] == 2


def test_batched_seeds_record_what_single_runs_record(tmp_path):
    alone, batched = tmp_path / "alone", tmp_path / "batched"
    arms = ["threshold=always seed=0", "threshold=always seed=1"]
    singles = [run_sweep_jobs([job], LAUNCH)[0] for job in jobs(alone, *arms)]
    together = run_sweep_jobs(jobs(batched, *arms), Launch("batched_seeds", 1, "sweep"))
    for single, other in zip(singles, together, strict=True):
        assert single.keys() == other.keys() and single["run"] == other["run"]
        counts = [key for key in single if key.startswith(("samples", "forward", "backward"))]
        assert [single[key] for key in counts] == [other[key] for key in counts]
    for one, other in zip(runs(alone), runs(batched), strict=True):
        one, other = read_run(one), read_run(other)
        assert one.array_names("/") == other.array_names("/")
        first, second = numbers(one.rows()), numbers(other.rows())
        assert [row.keys() for row in first] == [row.keys() for row in second]
        assert one.record.backend == other.record.backend
        differing = {"started", "ended", "launcher", "hardware", "summary", "config"}
        differing |= {"checksums"}  # of the seconds
        one, other = one.record.to_json(), other.record.to_json()
        assert {key for key in one if one[key] != other[key]} <= differing


def test_a_run_that_is_asked_for_twice_is_computed_once(tmp_path):
    summaries = run_sweep_jobs(jobs(tmp_path, "seed=0", "seed=0"), LAUNCH)
    assert summaries[0] == summaries[1] and summaries[0]["steps"] == 20
    assert len(runs(tmp_path)) == 1


def test_two_sweeps_that_need_the_same_runs_in_another_order_do_not_block_each_other(
    tmp_path, monkeypatch
):
    """Each waits after its first claim, long enough for the other to make its own."""
    plans = [plan_run(job.cfg) for job in jobs(tmp_path, "seed=0", "seed=1")]
    arrived = threading.Barrier(2)

    @contextmanager
    def slow_claim(folder):
        with claim(folder) as stored:
            with suppress(threading.BrokenBarrierError):
                arrived.wait(timeout=1)
            yield stored

    monkeypatch.setattr(compute, "claim", slow_claim)
    monkeypatch.setattr(
        compute, "_compute", lambda plans, launch: [Outcome(error=UserError("x")) for _ in plans]
    )
    sweeps = [
        threading.Thread(target=compute_runs, args=(order, LAUNCH), daemon=True)
        for order in (plans, plans[::-1])
    ]
    for sweep in sweeps:
        sweep.start()
    for sweep in sweeps:
        sweep.join(timeout=20)
    assert not any(sweep.is_alive() for sweep in sweeps), "they wait for each other"


def test_a_damaged_run_fails_its_own_job_only(tmp_path):
    batch = jobs(tmp_path, "seed=0", "seed=1")
    run_sweep_jobs(batch, LAUNCH)
    (runs(tmp_path)[0] / "run.json").write_text(json.dumps({"schema_version": 1}))
    failed, kept = run_sweep_jobs(batch, Launch("batched_seeds", 1, "sweep"))
    assert "is damaged" in failed["error"] and kept["steps"] == 20


@pytest.mark.parametrize("first", [["seed=0"], ["seed=0", "seed=1"]])
def test_stored_runs_are_not_computed_again(tmp_path, first):
    run_sweep_jobs(jobs(tmp_path, *first), LAUNCH)
    before = {run: (run / "run.json").stat().st_mtime_ns for run in runs(tmp_path)}
    run_sweep_jobs(jobs(tmp_path, "seed=0", "seed=1", "seed=2"), LAUNCH)
    assert {run: (run / "run.json").stat().st_mtime_ns for run in before} == before
    assert len(runs(tmp_path)) == 3


def test_batched_seeds_know_their_break_even(tmp_path):
    arms = ["threshold=always seed=0", "threshold=always seed=1"]
    together = run_sweep_jobs(jobs(tmp_path, *arms), Launch("batched_seeds", 1, "sweep"))
    for summary in together:  # (K + 3 N) / 3 N with K = 256 and N = 32
        assert summary["break_even"] == pytest.approx((256 + 3 * 32) / (3 * 32))
        assert summary["step_cost"] > 1
