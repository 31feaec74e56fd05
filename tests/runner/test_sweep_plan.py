"""The plan of a sweep: what has no result is missing, and no sweep takes another one's place."""

import json

import pytest

from cdfis_bench.analysis.experiment import load_experiment
from cdfis_bench.core.errors import UserError
from cdfis_bench.records.experiment import (
    Job,
    PlannedJob,
    forget_jobs,
    jobs_dir,
    note_job,
    read_jobs,
    write_plan,
)
from cdfis_bench.runner.pruning import require_ranked
from cdfis_bench.runner.sweep_plan import check_plan, duration, start_plan
from tests.analysis.fabricate import run

SEEDS = [[f"seed={seed}"] for seed in range(3)]


def started(results, number=0, jobs=SEEDS):
    """A sweep of three seeds of which one job has finished."""
    start_plan(results, "sweep", jobs)
    stored = run(results, seed=number)
    note_job(results, "sweep", Job(number, jobs[number], "computed", run=stored.name))
    return stored


def test_a_job_that_never_started_is_missing_everywhere(tmp_path):
    started(tmp_path)
    experiment = load_experiment(tmp_path, "sweep")
    assert len(experiment.runs) == 1 and experiment.asked_for == 3
    assert [overrides for overrides, _ in experiment.missing] == ["seed=1", "seed=2"]
    assert all("not started" in reason for _, reason in experiment.missing)
    with pytest.raises(UserError, match=r"2 of 3 runs of keep.experiment=sweep are missing"):
        require_ranked(tmp_path, "sweep")


def test_job_files_of_another_plan_do_not_count(tmp_path):
    started(tmp_path)
    note_job(tmp_path, "sweep", Job(1, ["seed=9"], "computed", run="some-run"))
    assert [job.status for job in read_jobs(tmp_path, "sweep")] == [
        *("computed", "planned", "planned")
    ]


@pytest.mark.parametrize("text", ["{", "[]", '{"jobs": [3]}', '{"jobs": [{"overrides": 1}]}'])
def test_a_damaged_plan_is_something_missing(tmp_path, text):
    started(tmp_path)
    (tmp_path / "experiments" / "sweep" / "plan.json").write_text(text)
    ((_, reason),) = load_experiment(tmp_path, "sweep").missing
    assert "plan.json is damaged" in reason


def test_a_sweep_of_an_early_version_has_no_plan(tmp_path):
    started(tmp_path)
    (tmp_path / "experiments" / "sweep" / "plan.json").unlink()
    assert load_experiment(tmp_path, "sweep").asked_for == 1


@pytest.mark.parametrize(
    "again",
    [
        SEEDS,
        [*SEEDS, ["seed=3"]],
        SEEDS[:1],  # nothing that was finished is left out
        [["tracker=none", *job, "figure.x=[train_seconds]"] for job in SEEDS],
        [["method=uniform", "seed=7"], *SEEDS],
    ],
)
def test_the_same_command_and_a_larger_one_go_on(tmp_path, again):
    stored = started(tmp_path)
    check_plan(tmp_path, "sweep", again)
    forecast = start_plan(tmp_path, "sweep", again)
    assert (forecast.runs, forecast.stored) == (len(again), 1)
    plan = json.loads((tmp_path / "experiments" / "sweep" / "plan.json").read_text())
    assert [job["last_run"] for job in plan["jobs"]].count(stored.name) == 1
    # What has not started now is missing, whatever an earlier command finished.
    assert {job.status for job in read_jobs(tmp_path, "sweep")} == {"planned"}


@pytest.mark.parametrize("other", [SEEDS[1:], [["method=uniform", *job] for job in SEEDS]])
def test_another_sweep_is_refused_also_after_an_interrupted_repetition(tmp_path, other):
    started(tmp_path)
    start_plan(tmp_path, "sweep", SEEDS)  # interrupted before its first job
    with pytest.raises(UserError, match=r"name=sweep is taken.*1 finished run .*name=another"):
        check_plan(tmp_path, "sweep", other)
    check_plan(tmp_path, "another", other)


def test_a_sweep_that_finished_nothing_may_be_corrected(tmp_path):
    start_plan(tmp_path, "sweep", [["optimizer.lr=-1"]])
    note_job(tmp_path, "sweep", Job(0, ["optimizer.lr=-1"], "failed", error="no"))
    check_plan(tmp_path, "sweep", [["optimizer.lr=1"]])


@pytest.mark.parametrize("name", ["../other", "", "..", ".", "a/b", "/tmp/x", "a\nb"])
def test_a_name_that_leads_elsewhere_is_refused_before_anything_is_written(tmp_path, name):
    with pytest.raises(UserError, match="name="):
        write_plan(tmp_path / "results", name, [PlannedJob(["seed=0"])])
    with pytest.raises(UserError, match="name="):
        forget_jobs(tmp_path / "results", name)
    assert not list(tmp_path.iterdir())


def test_only_files_of_jobs_are_ever_removed(tmp_path):
    started(tmp_path)
    folder = jobs_dir(tmp_path, "sweep")
    foreign = [folder / "notes.txt", folder / "2024.json", folder / "00000.json.bak" / "x"]
    foreign[2].parent.mkdir()
    target = tmp_path / "precious.json"
    target.write_text("mine")
    (folder / "00007.json").symlink_to(target)
    for file in foreign:
        file.write_text("mine")
    forget_jobs(tmp_path, "sweep")
    assert all(file.exists() for file in [*foreign, target])
    assert not (folder / "00000.json").exists() and not (folder / "00007.json").is_symlink()


@pytest.mark.parametrize("link", ["jobs", "."])
def test_a_folder_that_is_a_link_keeps_its_files(tmp_path, link):
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "jobs").mkdir(parents=True)
    file = elsewhere / "jobs" / "00000.json"
    file.write_text("mine")
    at = tmp_path / "results" / "experiments" / "sweep"
    at.parent.mkdir(parents=True)
    if link == "jobs":
        at.mkdir()
        (at / "jobs").symlink_to(elsewhere / "jobs")
    else:
        at.symlink_to(elsewhere)
    forget_jobs(tmp_path / "results", "sweep")
    assert file.read_text() == "mine"


def test_the_forecast_goes_by_the_runs_of_the_arm(tmp_path):
    jobs = [["method=uniform", "seed=0"], ["method=uniform", "seed=1"], ["seed=0"]]
    started(tmp_path, 0, jobs)
    assert start_plan(tmp_path, "fresh", jobs).text() == "3 runs"
    forecast = start_plan(tmp_path, "sweep", jobs)
    assert forecast.stored == 1 and forecast.seconds is not None
    assert forecast.text().startswith("3 runs, 1 stored, about ")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "1 s"), (59, "59 s"), (59.8, "1 min"), (200, "3 min"), (3600, "1 h"), (7500, "2 h 5 min")],
)
def test_a_duration_is_said_as_a_reader_would(seconds, text):
    assert duration(seconds) == text
