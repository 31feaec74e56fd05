"""A full, read-only or unreadable store: one sentence, and what could be recorded is recorded."""

import errno
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.records import arrays, files, run_writer, saved_state
from cdfis_bench.records.claims import claim
from cdfis_bench.records.run_writer import RunWriter
from cdfis_bench.records.stored_run import read_run
from cdfis_bench.runner import job as job_module
from cdfis_bench.runner.job import run_sweep_jobs
from tests.app.command import TINY, cdfis, runs
from tests.records.test_records import RECORD, SUMMARY
from tests.runner.test_job import LAUNCH, jobs

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def mounted(folder: Path, options: str):
    """A small file system of its own."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        made = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if made.returncode:
        pytest.skip(f"a file system cannot be mounted here ({made.stderr.strip()})")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def raising(error):
    def refuse(*_, **__):
        raise error

    return refuse


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (run_writer, "write_text"),
        (run_writer, "write_arrays"),
        (run_writer, "write_state"),
        (run_writer, "sync_file"),
        (files, "sync_folder"),
        (saved_state, "write_atomically"),
        (arrays.h5py, "File"),
    ],
)
@pytest.mark.parametrize("error", [FULL, OSError(errno.EROFS, "Read-only file system")])
def test_what_cannot_be_written_is_one_sentence(tmp_path, monkeypatch, capsys, module, name, error):
    monkeypatch.setattr(module, name, raising(error))
    (failed,) = run_sweep_jobs(jobs(tmp_path, "checkpoint_every=5"), LAUNCH)
    assert error.strerror in failed["error"] and "\n" not in failed["error"]
    assert "unexpected" not in failed["error"] and "Traceback" not in capsys.readouterr().out
    monkeypatch.undo()
    (folder,) = runs(tmp_path)
    assert not list(folder.glob("*.tmp")), "drafts would keep a full disk full"
    (summary,) = run_sweep_jobs(jobs(tmp_path, "checkpoint_every=5"), LAUNCH)
    assert summary["steps"] == 20
    read_run(folder).check()


def test_jobs_that_cannot_be_noted_are_computed_and_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(job_module, "note_job", raising(FULL))
    (summary,) = run_sweep_jobs(jobs(tmp_path, ""), LAUNCH)
    assert summary["steps"] == 20
    assert "job 0 of sweep cannot be noted" in capsys.readouterr().out


@pytest.mark.parametrize("kibibytes", [24, 40, 64, 100])
def test_a_disk_that_is_full_loses_no_state(tmp_path, kibibytes):
    """Rows, states and arrays until nothing fits; then there is room again."""
    disk = tmp_path / "disk"
    with mounted(disk, f"size={kibibytes}k"):
        folder, saved = disk / "r", -1
        with pytest.raises(UserError, match="cannot be written"), claim(folder):
            writer = RunWriter.begin(folder, RECORD)
            for step in range(1000):
                writer.row("curve", step=step, text="x" * 500)
                writer.save_state({"step": step, "weights": torch.zeros(200)})
                saved = step
        subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
        with claim(folder) as stored:
            assert stored is None
            resumed = RunWriter.resume(folder, RECORD)
            assert (resumed is None) == (saved < 0)
            if resumed is not None:
                assert resumed.state["step"] == saved and len(resumed.rows) == saved + 1
                resumed.writer.finish(SUMMARY)
                read_run(folder).check()


@pytest.mark.parametrize("kind", ["state", "arrays"])
def test_a_large_file_that_does_not_fit_is_refused_and_leaves_no_draft(tmp_path, kind):
    disk = tmp_path / "disk"
    with mounted(disk, "size=256k"):
        folder = disk / "r"
        with claim(folder):
            writer = RunWriter.begin(folder, RECORD)
            writer.row("curve", step=0)
            large = torch.zeros(1 << 18)
            with pytest.raises(UserError, match="cannot be written") as caught:
                if kind == "state":
                    writer.save_state({"weights": large})
                else:
                    writer.array("x", large)
                    writer.finish(SUMMARY)
            assert "\n" not in str(caught.value)
            writer.fail("no room", "")
        assert read_run(folder).record.status == "failed" and not list(folder.glob("*.tmp"))


def test_a_read_only_store_is_answered_by_the_command(tmp_path):
    with mounted(tmp_path / "results", "ro,size=64k"):
        result = cdfis(tmp_path, *TINY)
    assert result.returncode == 1 and "cannot be written" in result.stderr
    assert "Traceback" not in result.stderr and len(result.stderr.splitlines()) == 1


def test_a_full_store_is_answered_by_the_command(tmp_path):
    with mounted(tmp_path / "results", "size=16k"):
        result = cdfis(tmp_path, *TINY)
    assert result.returncode == 1 and "No space left" in result.stderr
    assert "Traceback" not in result.stderr + result.stdout


@pytest.mark.parametrize("name", ["run.json", "curve.jsonl", "arrays.h5"])
def test_an_unreadable_file_is_not_called_damaged(tmp_path, monkeypatch, name):
    """Deleting it would be the wrong advice."""
    run_sweep_jobs(jobs(tmp_path, ""), LAUNCH)
    (folder,) = runs(tmp_path)
    real = os.open

    def refuse(path, *rest):
        if str(path).endswith(name):
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, *rest)

    monkeypatch.setattr(files.os, "open", refuse)
    with pytest.raises(UserError, match=f"{name} cannot be read .*change its permissions"):
        read_run(folder).check()
