"""Sweeps that are interrupted, and sweeps whose output nobody reads."""

import os
import signal
import subprocess
import sys
import time

import pytest

from cdfis_bench.analysis.experiment import load_experiment
from cdfis_bench.records.stored_run import read_run
from tests.app.command import TINY, cdfis, environment, runs

SWEEP = ["-m", *TINY, "budget.steps=400", "eval_every=5", "seed=range(0,5)", "name=stopped"]
BATCHED = ["hydra/launcher=batched_seeds", "hydra.launcher.seeds_at_once=2"]
POOL = ["hydra/launcher=pool", "hydra.launcher.n_jobs=2"]


def start(folder, *arguments, **streams):
    # A shell in a script lets its background jobs ignore SIGINT; a terminal does not.
    return subprocess.Popen(
        [sys.executable, "-m", "cdfis_bench", *arguments],
        cwd=folder,
        env=environment(),
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        **streams,
    )


def done(folder):
    return [run for run in runs(folder) if (stored := read_run(run)) and stored.done]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("launcher", "number", "code"),
    [([], signal.SIGINT, 130), (POOL, signal.SIGINT, 130), (BATCHED, signal.SIGTERM, 143)],
    ids=["basic", "pool", "batched_seeds"],
)
def test_an_interrupted_sweep_keeps_its_runs_and_is_not_complete(tmp_path, launcher, number, code):
    process = start(tmp_path, *SWEEP, *launcher, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and not done(tmp_path):
        time.sleep(0.02)
    os.kill(process.pid, number)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == code, output + errors
    assert "Traceback" not in output + errors
    assert "interrupted; finished runs are kept" in errors
    experiment = load_experiment(tmp_path / "results", "stopped")
    assert experiment.asked_for == 5 and experiment.missing and done(tmp_path)
    redrawn = cdfis(tmp_path, "redraw=stopped")
    assert redrawn.returncode == 1 and "not started" in redrawn.stdout
    again = cdfis(tmp_path, *SWEEP, *launcher)
    assert again.returncode == 0, again.stdout + again.stderr
    assert again.stdout.count("done before on ") >= 1
    assert len(done(tmp_path)) == 5


@pytest.mark.slow
def test_a_reader_that_leaves_costs_no_run(tmp_path):
    process = start(
        tmp_path, *SWEEP, "budget.steps=5", stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    with process.stderr:
        errors = process.stderr.read()
    assert process.wait(timeout=120) == 0 and errors == ""
    assert len(done(tmp_path)) == 5
    assert (tmp_path / "results/experiments/stopped/stopped.png").exists()


@pytest.mark.slow
def test_streams_that_are_closed_from_the_start_are_no_file_of_a_run(tmp_path):
    line = f"exec {sys.executable} -m cdfis_bench {' '.join(TINY)} >&- 2>&- <&-"
    assert subprocess.run(["sh", "-c", line], cwd=tmp_path, env=environment()).returncode == 0
    assert len(done(tmp_path)) == 1


@pytest.mark.slow
def test_one_failure_of_every_job_is_said_once(tmp_path):
    result = cdfis(tmp_path, "-m", *TINY, "seed=range(0,4)", "optimizer.lr=-1", "name=poisoned")
    assert result.returncode == 1
    assert result.stdout.count("failed: ") == 1, result.stdout
    assert result.stdout.count("missing: all 4 jobs: ") == 1
    assert result.stdout.count("Invalid learning rate") == 2
