"""`hydra/launcher=pool`: runs side by side, and what is left when a worker is killed."""

import importlib.util
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from cdfis_bench.core.errors import UserError
from cdfis_bench.records.stored_run import read_run
from cdfis_bench.runner.sweep import SweepCallback
from cdfis_bench.runner.sweep_checks import check_pool
from tests.app.command import TINY, cdfis, environment, runs
from tests.engine.small import numbers

SWEEP = [
    "-m",
    *TINY,
    "budget.steps=400",
    "eval_every=5",
    "device.threads=null",
    "method=uniform,loss_cdf",
    "seed=range(0,3)",
    "name=pooled",
]
POOL = ["hydra/launcher=pool", "hydra.launcher.n_jobs=2"]


def workers(parent: int) -> list[int]:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    lines = {int(pid): Path(f"/proc/{pid}/cmdline").read_text() for pid in children}
    return [pid for pid, line in lines.items() if "popen_loky" in line]


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A sweep of six runs in two workers; one is killed while it trains. Folder and exit code."""
    folder = tmp_path_factory.mktemp("pool")
    process = subprocess.Popen(
        [sys.executable, "-m", "cdfis_bench", *SWEEP, *POOL],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        curves = [run / "curve.jsonl" for run in runs(folder)]
        if any(curve.exists() and curve.stat().st_size > 1000 for curve in curves):
            break
        time.sleep(0.005)
    os.kill(workers(process.pid)[0], signal.SIGKILL)
    output, _ = process.communicate(timeout=120)
    return folder, process.returncode, output


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the workers in /proc")
def test_a_killed_worker_costs_its_run_only_and_the_same_command_mends_it(killed, tmp_path):
    folder, code, output = killed
    assert code == 1, output
    assert "its process was killed" in output and "Traceback" not in output
    figure = folder / "results/experiments/pooled/pooled.json"
    assert len(json.loads(figure.read_text())["missing"]) == 1
    states = [read_run(run).record.status for run in runs(folder)]
    assert sorted(states) == ["done"] * 5 + ["running"]

    kept = {run: (run / "run.json").stat().st_mtime_ns for run in runs(folder) if _done(run)}
    again = cdfis(folder, *SWEEP, *POOL)
    assert again.returncode == 0 and again.stderr == "", again.stderr
    assert all(_done(run) for run in runs(folder))
    assert {run: (run / "run.json").stat().st_mtime_ns for run in kept} == kept
    assert json.loads(figure.read_text())["missing"] == []

    for run in runs(folder):
        record = read_run(run).record
        assert record.launcher == "pool"
        assert record.hardware["concurrent_runs"] == 2
        assert record.hardware["cpu_threads"] == 1

    alone = cdfis(tmp_path, *SWEEP, "method=loss_cdf", "seed=2")
    assert alone.returncode == 0, alone.stderr
    (run,) = runs(tmp_path)
    assert read_run(run).record.hardware["concurrent_runs"] == 1
    pooled = read_run(folder / "results" / "runs" / run.name)
    assert numbers(pooled.rows()) == numbers(read_run(run).rows())


def _done(run: Path) -> bool:
    return read_run(run).done


def test_a_pool_of_no_runs_is_refused(tmp_path):
    result = cdfis(tmp_path, *SWEEP, "hydra/launcher=pool", "hydra.launcher.n_jobs=0")
    assert result.returncode == 1
    assert result.stderr.strip() == (
        "cdfis_bench: hydra.launcher.n_jobs=0 must be a whole number above 0"
    )
    assert not (tmp_path / "results" / "runs").exists()


def test_without_its_package_the_pool_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'cdfis-bench\[parallel\]'"):
        check_pool(OmegaConf.create({"n_jobs": 2}))


def test_a_worker_gets_neither_bar_nor_lock():
    callback = SweepCallback()
    callback._progress = open(os.devnull)  # cannot be pickled, like a bar
    with callback._progress:
        assert pickle.loads(pickle.dumps(callback))._progress is None
