"""A run's folder is done, or will be done again; nothing finished is lost."""

import json
import multiprocessing
import os
import signal
import time

import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.records.experiment import Job, forget_jobs, note_job, read_jobs
from cdfis_bench.records.provenance import one_after_the_other
from cdfis_bench.records.run_folder import RunFolder, claim
from cdfis_bench.records.stored_run import read_run

KNOWN = {"id": "a-s0", "arm": "a", "seed": 0, "method": "loss_cdf", "config": {}}


def write_run(folder, rows=3):
    with claim(folder) as stored:
        assert stored is None
        run = RunFolder(folder)
        run.begin(**KNOWN)
        for step in range(rows):
            run.row("curve", step=step, test_accuracy=0.5 + step / 10, train_loss=None)
        run.array("selected_count", torch.arange(5, dtype=torch.int32))
        run.array("pattern/000000/x", torch.ones(2, 2))
        return run.finish({"steps": rows})


def test_what_was_written_is_read_back(tmp_path):
    write_run(tmp_path / "r")
    stored = read_run(tmp_path / "r")
    assert stored.done and stored.record.summary == {"steps": 3}
    assert stored.rows()[2] == {"step": 2, "test_accuracy": 0.7, "train_loss": None}
    assert stored.array("selected_count").tolist() == [0, 1, 2, 3, 4]
    assert stored.array_names("pattern") == ["000000"]


def test_a_finished_run_is_found_and_not_touched(tmp_path):
    write_run(tmp_path / "r")
    before = {p.name: p.read_bytes() for p in (tmp_path / "r").iterdir()}
    with claim(tmp_path / "r") as stored:
        assert stored is not None and stored.record.summary == {"steps": 3}
    assert {p.name: p.read_bytes() for p in (tmp_path / "r").iterdir()} == before


def test_a_failed_run_says_why_and_is_done_again(tmp_path):
    with claim(tmp_path / "r"):
        run = RunFolder(tmp_path / "r")
        run.begin(**KNOWN)
        run.row("curve", step=0)
        run.fail("training diverged", "Traceback ...")
    stored = read_run(tmp_path / "r")
    assert (stored.record.status, stored.record.error) == ("failed", "training diverged")
    assert len(write_run(tmp_path / "r").rows()) == 3


def unfinished(folder, rows_before, rows_after):
    run = RunFolder(folder)
    run.begin(**KNOWN)
    for step in range(rows_before + rows_after):
        if step == rows_before:
            run.array("pattern/000000/x", torch.ones(2, 2))
            run.save_state({"step": 7, "weights": torch.arange(3)})
            run.array("pattern/000007/x", torch.ones(2, 2))
        run.row("curve", step=step)


def test_an_unfinished_run_goes_on_from_its_state_and_forgets_what_came_after(tmp_path):
    (tmp_path / "r").mkdir()
    unfinished(tmp_path / "r", 2, 3)
    run = RunFolder(tmp_path / "r")
    state, rows = run.resume()
    assert state["step"] == 7 and state["weights"].tolist() == [0, 1, 2]
    assert [row["step"] for row in rows] == [0, 1]
    run.row("curve", step=100)
    stored = run.finish({})
    assert [row["step"] for row in stored.rows()] == [0, 1, 100]
    assert stored.array_names("pattern") == ["000000"]
    assert len(stored.record.resumed) == 1
    assert not (tmp_path / "r" / "state.pt").exists()


def test_a_state_that_is_damaged_is_named_and_nothing_is_overwritten(tmp_path):
    (tmp_path / "r").mkdir()
    unfinished(tmp_path / "r", 2, 3)
    (tmp_path / "r" / "state.pt").write_bytes(b"PK no zip")
    with pytest.raises(UserError, match=r"state\.pt cannot be used.*delete it"):
        RunFolder(tmp_path / "r").resume()
    assert len((tmp_path / "r" / "curve.jsonl").read_text().splitlines()) == 5


def test_without_a_saved_state_there_is_nothing_to_go_on_from(tmp_path):
    assert RunFolder(tmp_path).resume() is None
    write_run(tmp_path / "r")
    assert RunFolder(tmp_path / "r").resume() is None


def _dies_in_the_middle(folder):
    with claim(folder):
        run = RunFolder(folder)
        run.begin(**KNOWN)
        for step in range(1_000_000):
            run.row("curve", step=step)


def test_a_killed_run_is_done_again_from_the_start(tmp_path):
    """kill -9 while rows are written: no lock stays, no old row is mixed into the new run."""
    process = multiprocessing.get_context("spawn").Process(
        target=_dies_in_the_middle, args=(tmp_path / "r",)
    )
    process.start()
    curve = tmp_path / "r" / "curve.jsonl"
    deadline = time.monotonic() + 30
    while not (curve.exists() and curve.stat().st_size > 500) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert read_run(tmp_path / "r").record.status == "running"
    stored = write_run(tmp_path / "r")
    assert [row["step"] for row in stored.rows()] == [0, 1, 2]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("run.json", '{"status": "do', "run.json is not a run's record"),
        ("run.json", "[]", "run.json is not a run's record"),
        ("run.json", '{"status": "ok", "schema_version": 1}', "unknown status 'ok'"),
        ("curve.jsonl", '{"step": 0}\n{"step"', "curve.jsonl cannot be read"),
        ("curve.jsonl", '{"step": 0}\n', "curve.jsonl has 1 rows instead of 3"),
        ("arrays.h5", "not hdf5", "arrays.h5 cannot be read"),
    ],
)
def test_damage_is_answered_with_the_folder_and_what_to_do(tmp_path, name, text, message):
    write_run(tmp_path / "r")
    (tmp_path / "r" / name).write_text(text)
    with pytest.raises(UserError, match=message) as caught, claim(tmp_path / "r"):
        pass
    assert str(tmp_path / "r") in str(caught.value) and "delete it" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "r" / name).read_text() == text, (
        "nothing may be deleted or repaired silently"
    )


def test_a_missing_curve_is_damage(tmp_path):
    write_run(tmp_path / "r")
    (tmp_path / "r" / "curve.jsonl").unlink()
    with pytest.raises(UserError, match=r"curve\.jsonl cannot be read"), claim(tmp_path / "r"):
        pass


def test_another_format_is_refused(tmp_path):
    write_run(tmp_path / "r")
    card = json.loads((tmp_path / "r" / "run.json").read_text()) | {"schema_version": 99}
    (tmp_path / "r" / "run.json").write_text(json.dumps(card))
    with pytest.raises(UserError, match="format 99"):
        read_run(tmp_path / "r")


def test_a_folder_that_cannot_be_made_is_answered_in_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"), claim(tmp_path / "file" / "r"):
        pass


def test_jobs_of_an_experiment_are_remembered_until_it_starts_again(tmp_path):
    jobs = [Job(i, [f"seed={i}"], "computed", "uniform", f"run{i}") for i in range(12)]
    for job in reversed(jobs):
        note_job(tmp_path, "exp", job)
    assert read_jobs(tmp_path, "exp") == jobs
    forget_jobs(tmp_path, "exp")
    assert read_jobs(tmp_path, "exp") == []


def test_a_damaged_note_of_a_job_is_a_failed_job(tmp_path):
    note_job(tmp_path, "exp", Job(0, [], "running"))
    path = tmp_path / "experiments" / "exp" / "jobs" / "00000.json"
    path.write_text('{"number": 0, ')
    (job,) = read_jobs(tmp_path, "exp")
    assert job.status == "failed" and "00000.json is damaged" in job.error


def test_a_run_resumed_on_other_hardware_equals_neither():
    alone = {"device": "cpu", "cpu_threads": 1, "concurrent_runs": 1}
    assert one_after_the_other(alone, alone) == alone
    both = one_after_the_other(alone, alone | {"concurrent_runs": 2})
    assert both == alone | {"concurrent_runs": "1, then 2"}
