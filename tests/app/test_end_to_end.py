"""The main job, as a user runs it."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from cdfis_bench.records.stored_run import read_run
from tests.app.command import ROOT, TINY, cdfis, environment, runs
from tests.engine.small import numbers


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke")
    return folder, cdfis(folder, "experiment=smoke")


def figure_files(folder, name):
    return [
        folder / "results" / "experiments" / name / f"{name}.{end}"
        for end in ("png", "pdf", "csv", "json")
    ]


def test_an_experiment_trains_its_runs_and_draws_its_figure(smoke):
    folder, result = smoke
    assert result.returncode == 0, result.stderr
    assert len(runs(folder)) == 6
    assert all(read_run(run).done for run in runs(folder))
    plain = {"name": "plain", "chunk_size": 4096, "measured_ms": None}  # no convolutions
    assert all(read_run(run).record.backend == plain for run in runs(folder))
    assert all(path.stat().st_size > 0 for path in figure_files(folder, "smoke"))
    assert "uniform" in result.stdout and "test accuracy" in result.stdout
    assert "Traceback" not in result.stderr


def test_the_figure_names_its_runs(smoke):
    folder, _ = smoke
    about = json.loads((folder / "results/experiments/smoke/smoke.json").read_text())
    text = json.dumps(about)
    assert all(run.name in text for run in runs(folder))
    assert "Two Circles" in text


@pytest.mark.slow
def test_running_it_again_trains_nothing_and_redraws(smoke):
    folder, _ = smoke
    before = {run: (run / "run.json").stat().st_mtime_ns for run in runs(folder)}
    figure_files(folder, "smoke")[0].unlink()
    result = cdfis(folder, "experiment=smoke")
    assert result.returncode == 0, result.stderr
    assert {run: (run / "run.json").stat().st_mtime_ns for run in runs(folder)} == before
    assert figure_files(folder, "smoke")[0].exists()


@pytest.mark.slow
def test_another_process_computes_the_same_numbers(smoke, tmp_path):
    folder, _ = smoke
    name = next(run.name for run in runs(folder) if "loss_cdf-s1" in run.name)
    cdfis(tmp_path, "experiment=smoke", "method=loss_cdf", "seed=1")
    first, second = (read_run(f / "results" / "runs" / name) for f in (folder, tmp_path))
    assert numbers(first.rows()) == numbers(second.rows())
    assert (first.array("selected_count") == second.array("selected_count")).all()


@pytest.mark.slow
def test_a_sweep_with_a_poisoned_job_still_draws_and_exits_with_1(tmp_path):
    result = cdfis(
        tmp_path,
        "-m",
        *TINY,
        "method=loss_cdf",
        "seed=0,1",
        "optimizer.lr=0.005,-1",
        "name=poisoned",
    )
    assert result.returncode == 1
    assert "Invalid learning rate: -1" in result.stdout + result.stderr
    assert all(path.exists() for path in figure_files(tmp_path, "poisoned"))
    statuses = sorted(read_run(run).record.status for run in runs(tmp_path))
    assert statuses == ["done", "done", "failed", "failed"]
    about = json.loads(figure_files(tmp_path, "poisoned")[3].read_text())
    assert len(about["missing"]) == 2


@pytest.mark.slow
def test_a_damaged_run_is_named_and_the_others_are_drawn(tmp_path):
    arguments = ["-m", *TINY, "method=uniform", "seed=0,1", "name=damaged"]
    assert cdfis(tmp_path, *arguments).returncode == 0
    (runs(tmp_path)[0] / "run.json").write_text('{"status": "do')
    result = cdfis(tmp_path, *arguments)
    assert result.returncode == 1
    assert f"{runs(tmp_path)[0].name} is damaged" in result.stdout + result.stderr
    assert all(path.exists() for path in figure_files(tmp_path, "damaged"))
    assert read_run(runs(tmp_path)[1]).done


@pytest.mark.slow
def test_a_sweep_killed_in_the_middle_is_finished_by_the_same_command(tmp_path):
    arguments = [
        "-m",
        *TINY,
        "budget.steps=400",
        "eval_every=5",
        "method=loss_cdf",
        "seed=range(0,4)",
        "name=killed",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "cdfis_bench", *arguments],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        curves = [run / "curve.jsonl" for run in runs(tmp_path)[1:]]
        if any(curve.exists() and curve.stat().st_size > 1000 for curve in curves):
            break
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    states = [read_run(run).record.status for run in runs(tmp_path)]
    assert "done" in states and "running" in states
    kept = {
        run: (run / "run.json").stat().st_mtime_ns for run in runs(tmp_path) if read_run(run).done
    }

    result = cdfis(tmp_path, *arguments)
    assert result.returncode == 0, result.stderr
    assert len(runs(tmp_path)) == 4 and all(read_run(run).done for run in runs(tmp_path))
    assert all((run / "run.json").stat().st_mtime_ns == then for run, then in kept.items())
    assert all(path.exists() for path in figure_files(tmp_path, "killed"))


@pytest.mark.slow
def test_a_killed_run_goes_on_from_its_last_state(tmp_path):
    """kill -9, then the same command: the same numbers as a run that nobody killed."""
    arguments = [*TINY, "budget.steps=1500", "eval_every=10", "checkpoint_every=40"]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    killed.mkdir(), whole.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "cdfis_bench", *arguments],
        cwd=killed,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not any(
        (run / "state.pt").exists() for run in runs(killed)
    ):
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert cdfis(killed, *arguments).returncode == 0
    assert cdfis(whole, *arguments).returncode == 0
    (first,), (second,) = runs(killed), runs(whole)
    assert read_run(first).record.resumed, "it began afresh"
    assert numbers(read_run(first).rows()) == numbers(read_run(second).rows())
    assert (
        read_run(first).array("selected_count") == read_run(second).array("selected_count")
    ).all()


def test_a_single_run_draws_its_own_curve(tmp_path):
    result = cdfis(tmp_path, *TINY)
    assert result.returncode == 0, result.stderr
    (run,) = runs(tmp_path)
    assert (run / "curve.png").stat().st_size > 0
    assert "test accuracy" in result.stdout
    assert result.stderr == "", "quiet where the output is not a terminal"


def test_nothing_is_written_outside_the_results_folder(tmp_path):
    cdfis(tmp_path, *TINY)
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_help_answers_without_importing_torch(tmp_path):
    code = (
        "import sys; sys.argv = ['cdfis_bench', '--help']\n"
        "from cdfis_bench.cli import run\n"
        "try:\n    run()\nfinally:\n"
        "    heavy = {'torch', 'pandas', 'seaborn', 'wandb', 'matplotlib', 'h5py'}\n"
        "    assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    began = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    (options,) = [line for line in result.stdout.splitlines() if line.startswith("selector: ")]
    assert {"cdf", "topk", "uniform"} <= set(options.removeprefix("selector: ").split(", "))
    assert time.monotonic() - began < 5  # measured: 0.8 s; the rest is for a busy machine


@pytest.mark.slow
def test_a_guest_adds_a_selector_with_one_python_file_and_one_yaml(tmp_path):
    (tmp_path / "mylab.py").write_text(
        "from cdfis_bench.selectors.cdf import CdfSelector\n\n\n"
        "class Sharper(CdfSelector):\n"
        "    def __call__(self, scores, n, generator):\n"
        "        return super().__call__(scores**2, n, generator)\n"
    )
    (tmp_path / "my_conf" / "selector").mkdir(parents=True)
    (tmp_path / "my_conf" / "selector" / "sharper.yaml").write_text(
        "name: sharper\n_target_: mylab.Sharper\n"
    )
    result = cdfis(
        tmp_path, "--config-dir", "my_conf", "-m", *TINY, "selector=cdf,sharper", "threshold=always"
    )
    assert result.returncode == 0, result.stderr
    assert "loss_sharper" in result.stdout and "loss_cdf" in result.stdout
    final = [read_run(run).record.summary["test_loss"] for run in runs(tmp_path)]
    assert len(set(final)) == 2, "the guest's selector was not used"
