"""A run folder is done, or will be computed again; nothing finished is lost."""

import json
import multiprocessing
import os
import signal
import time
from dataclasses import replace

import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.summary import Summary
from cdfis_bench.records.checksums import sealed
from cdfis_bench.records.claims import claim
from cdfis_bench.records.experiment import Job, forget_jobs, note_job, read_jobs
from cdfis_bench.records.provenance import merged_hardware
from cdfis_bench.records.run_record import RunRecord
from cdfis_bench.records.run_writer import RunWriter
from cdfis_bench.records.stored_run import read_run

RECORD = RunRecord(id="a-s0", arm="a", seed=0, method="loss_cdf", config={"seed": 0})
SUMMARY = Summary(
    steps=3,
    gate_open_step=None,
    fallback_count=0,
    test_loss=0.5,
    test_accuracy=0.75,
    train_seconds=1.5,
    load_seconds=0.25,
    score_seconds=0.25,
    select_seconds=0.5,
    update_seconds=0.5,
    eval_seconds=2.0,
    samples_loaded=30,
    samples_scored=30,
    samples_trained=12,
    forward_samples=42,
    backward_samples=12,
)


def write_run(folder, rows=3, summary=SUMMARY):
    with claim(folder) as stored:
        assert stored is None
        writer = RunWriter.begin(folder, RECORD)
        for step in range(rows):
            writer.row("curve", step=step, test_accuracy=0.5 + step / 10, train_loss=None)
        writer.array("selected_count", torch.arange(5, dtype=torch.int32))
        writer.array("pattern/000000/x", torch.ones(2, 2))
        return writer.finish(summary)


def test_what_was_written_is_read_back(tmp_path):
    written = write_run(tmp_path / "r")
    stored = read_run(tmp_path / "r")
    assert stored.done and stored.summary == SUMMARY and stored.record == written.record
    assert stored.rows()[2] == {"step": 2, "test_accuracy": 0.7, "train_loss": None}
    assert stored.array("selected_count").tolist() == [0, 1, 2, 3, 4]
    assert stored.array_names("pattern") == ["000000"]


def test_a_summary_survives_with_all_its_fields(tmp_path):
    full = replace(
        SUMMARY,
        gate_open_step=2,
        train_class_shares=[0.5, 0.5],
        selected_class_shares=[0.25, 0.75],
        step_cost=1.5,
        break_even=11 / 3,
    )
    write_run(tmp_path / "r", summary=full)
    assert read_run(tmp_path / "r").summary == full
    assert full["break_even"] == 11 / 3
    with pytest.raises(KeyError, match="chance"):
        full["chance"]


def test_a_finished_run_is_found_and_not_touched(tmp_path):
    write_run(tmp_path / "r")
    before = {p.name: p.read_bytes() for p in (tmp_path / "r").iterdir()}
    with claim(tmp_path / "r") as stored:
        assert stored is not None and stored.summary == SUMMARY
    assert {p.name: p.read_bytes() for p in (tmp_path / "r").iterdir()} == before


def test_a_failed_run_says_why_and_is_computed_again(tmp_path):
    with claim(tmp_path / "r"):
        writer = RunWriter.begin(tmp_path / "r", RECORD)
        writer.row("curve", step=0)
        writer.fail("training diverged", "Traceback ...")
    stored = read_run(tmp_path / "r")
    assert (stored.record.status, stored.record.error) == ("failed", "training diverged")
    assert len(write_run(tmp_path / "r").rows()) == 3


def unfinished(folder, rows_before, rows_after):
    writer = RunWriter.begin(folder, RECORD)
    for step in range(rows_before + rows_after):
        if step == rows_before:
            writer.array("pattern/000000/x", torch.ones(2, 2))
            writer.save_state({"step": 7, "weights": torch.arange(3)})
            writer.array("pattern/000007/x", torch.ones(2, 2))
        writer.row("curve", step=step)


def test_an_unfinished_run_resumes_from_its_state_and_forgets_what_came_after(tmp_path):
    (tmp_path / "r").mkdir()
    unfinished(tmp_path / "r", 2, 3)
    writer, state, rows = RunWriter.resume(tmp_path / "r")
    assert state["step"] == 7 and state["weights"].tolist() == [0, 1, 2]
    assert [row["step"] for row in rows] == [0, 1]
    writer.row("curve", step=100)
    stored = writer.finish(SUMMARY)
    assert [row["step"] for row in stored.rows()] == [0, 1, 100]
    assert stored.array_names("pattern") == ["000000"]
    assert len(stored.record.resumed) == 1
    assert not (tmp_path / "r" / "state.pt").exists()


def test_a_state_that_is_damaged_is_named_and_nothing_is_overwritten(tmp_path):
    (tmp_path / "r").mkdir()
    unfinished(tmp_path / "r", 2, 3)
    (tmp_path / "r" / "state.pt").write_bytes(b"PK no zip")
    with pytest.raises(UserError, match=r"cannot be resumed from .*state\.pt.*delete it"):
        RunWriter.resume(tmp_path / "r")
    assert len((tmp_path / "r" / "curve.jsonl").read_text().splitlines()) == 5


def test_without_a_saved_state_there_is_nothing_to_resume(tmp_path):
    assert RunWriter.resume(tmp_path) is None
    write_run(tmp_path / "r")
    assert RunWriter.resume(tmp_path / "r") is None


def _dies_in_the_middle(folder):
    with claim(folder):
        writer = RunWriter.begin(folder, RECORD)
        for step in range(1_000_000):
            writer.row("curve", step=step)


def test_a_killed_run_is_computed_again_from_the_start(tmp_path):
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
        ("run.json", '{"status": "do', "run.json is not valid JSON"),
        ("run.json", "[]", "run.json: a JSON object was expected"),
        ("curve.jsonl", '{"step": 0}\n{"step"', "curve.jsonl is not what was written"),
        ("curve.jsonl", '{"step": 0}\n', "curve.jsonl is not what was written"),
        ("arrays.h5", "not hdf5", "arrays.h5 is not what was written"),
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


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("curve.jsonl", '{"step": 0}\n{"step"', "curve.jsonl cannot be read"),
        ("curve.jsonl", '{"step": 0}\n', "curve.jsonl has 1 rows instead of 3"),
        ("curve.jsonl", "1\n2\n3\n", "curve.jsonl has rows that are no JSON objects"),
        ("curve.jsonl", '{"step": "x"}\n' * 3, "curve.jsonl has values that are no numbers"),
        ("arrays.h5", "not hdf5", "arrays.h5 cannot be read"),
    ],
)
def test_a_run_of_an_earlier_version_has_no_checksums_and_is_still_checked(
    tmp_path, name, text, message
):
    write_run(tmp_path / "r")
    edited(tmp_path / "r", checksums=None)
    (tmp_path / "r" / name).write_text(text)
    with pytest.raises(UserError, match=message), claim(tmp_path / "r"):
        pass


def edited(folder, **changes):
    """Rewrites run.json with other values and its checksum; None deletes the key."""
    path = folder / "run.json"
    values = json.loads(path.read_text()) | changes
    path.write_text(sealed({k: v for k, v in values.items() if v is not None}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"status": "ok"}, "the key status must be one of running, done, failed, not 'ok'"),
        ({"status": None}, "the key status is missing"),
        ({"schema_version": None}, "the key schema_version is missing"),
        ({"seed": None}, "the key seed is missing"),
        ({"summary": None}, "the key summary is missing"),
        ({"curve_rows": None}, "the key curve_rows is missing"),
        ({"seed": "0"}, "the key seed must be a whole number, not '0'"),
        ({"seed": True}, "the key seed must be a whole number, not True"),
        ({"seed": 0.5}, "the key seed must be a whole number, not 0.5"),
        ({"config": [1]}, r"the key config must be an object, not \[1\]"),
        ({"versions": {"torch": 2}}, r"the key versions\.torch must be a string, not 2"),
        ({"resumed": {}}, "the key resumed must be a list, not {}"),
        ({"summary": {"steps": 3}}, "summary: the key gate_open_step is missing"),
        (
            {"summary": SUMMARY.to_json() | {"test_accuracy": "high"}},
            "summary: the key test_accuracy must be a number, not 'high'",
        ),
        (
            {"summary": SUMMARY.to_json() | {"train_class_shares": [0.5, "x"]}},
            r"summary: the key train_class_shares\[1\] must be a number, not 'x'",
        ),
    ],
)
def test_a_record_with_a_wrong_key_is_answered_with_the_file_and_the_key(
    tmp_path, changes, message
):
    write_run(tmp_path / "r")
    edited(tmp_path / "r", **changes)
    with pytest.raises(UserError, match=f"run.json: {message}") as caught:
        read_run(tmp_path / "r")
    assert str(tmp_path / "r") in str(caught.value) and "\n" not in str(caught.value)


def test_unknown_keys_and_whole_numbers_for_floats_are_read(tmp_path):
    write_run(tmp_path / "r")
    edited(tmp_path / "r", note="x", summary=SUMMARY.to_json() | {"test_loss": 1, "note": 2})
    assert read_run(tmp_path / "r").summary == replace(SUMMARY, test_loss=1)


def test_a_missing_curve_is_damage(tmp_path):
    write_run(tmp_path / "r")
    (tmp_path / "r" / "curve.jsonl").unlink()
    with pytest.raises(UserError, match=r"curve\.jsonl cannot be read"), claim(tmp_path / "r"):
        pass


def test_another_format_is_refused_before_anything_else_is_read(tmp_path):
    write_run(tmp_path / "r")
    edited(tmp_path / "r", schema_version=99, status="unheard of", seed=None)
    with pytest.raises(UserError, match="format 99"):
        read_run(tmp_path / "r")


def test_a_record_of_the_first_release_is_still_read(tmp_path):
    """Its config has the key `protocol`, its summary lacks the cost of a step."""
    write_run(tmp_path / "r")
    summary = {
        key: value
        for key, value in SUMMARY.to_json().items()
        if key not in ("step_cost", "break_even", "train_class_shares", "selected_class_shares")
    }
    edited(tmp_path / "r", config={"seed": 0, "protocol": 1}, summary=summary)
    stored = read_run(tmp_path / "r")
    assert stored.summary == SUMMARY and stored.record.config["protocol"] == 1


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


@pytest.mark.parametrize(
    "text", ['{"number": 0, ', "[]", '{"number": 0}', '{"number": "0", "overrides": []}']
)
def test_a_damaged_file_of_a_job_is_a_failed_job(tmp_path, text):
    note_job(tmp_path, "exp", Job(0, [], "running"))
    path = tmp_path / "experiments" / "exp" / "jobs" / "00000.json"
    path.write_text(text)
    (job,) = read_jobs(tmp_path, "exp")
    assert job.status == "failed" and "00000.json is damaged" in job.error


def test_a_run_resumed_on_other_hardware_equals_neither():
    alone = {"device": "cpu", "cpu_threads": 1, "concurrent_runs": 1}
    assert merged_hardware(alone, alone) == alone
    both = merged_hardware(alone, alone | {"concurrent_runs": 2})
    assert both == alone | {"concurrent_runs": "1, then 2"}
