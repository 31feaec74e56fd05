"""Runs that are kept, computed again, or go on from where an attempt ended."""

import json

import pytest

from cdfis_bench.core.errors import UserError
from cdfis_bench.records.replacement import replacement_of
from cdfis_bench.records.run_writer import RunWriter
from cdfis_bench.records.stored_run import read_run
from cdfis_bench.runner import compute
from cdfis_bench.runner.compute import Launch
from cdfis_bench.runner.job import run_sweep_jobs
from tests.app.command import runs
from tests.engine.small import numbers
from tests.runner.test_job import BROKEN, LAUNCH, jobs

CHECKPOINTS = "checkpoint_every=5"
BATCHED = Launch("batched_seeds", 1, "sweep")


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def interrupted(tmp_path, monkeypatch, arm=CHECKPOINTS, error=None):
    """A run that ends with `error` after 15 of 20 steps; its folder."""
    error = error or KeyboardInterrupt()
    real = RunWriter.save_state

    def save(self, state):
        real(self, state)
        if state["step"] >= 15:
            raise error

    with monkeypatch.context() as patch:
        patch.setattr(RunWriter, "save_state", save)
        if isinstance(error, Exception):
            run_sweep_jobs(jobs(tmp_path, arm), LAUNCH)
        else:
            with pytest.raises(KeyboardInterrupt):
                run_sweep_jobs(jobs(tmp_path, arm), LAUNCH)
    (folder,) = runs(tmp_path)
    assert (folder / "state.pt").exists()
    return folder


def test_a_kept_run_says_when_it_was_computed(tmp_path, capsys):
    batch = jobs(tmp_path, "")
    run_sweep_jobs(batch, LAUNCH)
    (folder,) = runs(tmp_path)
    date = read_run(folder).record.ended[:10]
    capsys.readouterr()
    run_sweep_jobs(batch, LAUNCH)
    assert f"{folder.name}: done before on {date}, kept" in capsys.readouterr().out


@pytest.mark.parametrize("launch", [LAUNCH, BATCHED])
def test_force_computes_stored_runs_again(tmp_path, launch):
    seeds = ["seed=0", "seed=1"] if launch is BATCHED else ["seed=0"]
    run_sweep_jobs(jobs(tmp_path, *seeds), launch)
    before = {folder: files(folder) for folder in runs(tmp_path)}
    summaries = run_sweep_jobs(jobs(tmp_path, *(f"{seed} force=true" for seed in seeds)), launch)
    assert all(summary["steps"] == 20 for summary in summaries)
    assert runs(tmp_path) == sorted(before), "the id does not depend on force"
    for folder, then in before.items():
        stored = read_run(folder)
        stored.check()
        assert stored.done and stored.record.config["force"] is True
        assert files(folder).keys() == then.keys() and not (folder / "next").exists()
        assert numbers(stored.rows()) == numbers(
            [json.loads(line) for line in then["curve.jsonl"].splitlines()]
        )


def test_force_replaces_a_damaged_run(tmp_path):
    run_sweep_jobs(jobs(tmp_path, ""), LAUNCH)
    (folder,) = runs(tmp_path)
    (folder / "curve.jsonl").write_text("")
    (failed,) = run_sweep_jobs(jobs(tmp_path, ""), LAUNCH)
    assert "force=true" in failed["error"]
    (summary,) = run_sweep_jobs(jobs(tmp_path, "force=true"), LAUNCH)
    assert summary["steps"] == 20
    read_run(folder).check()


def test_a_forced_attempt_that_fails_keeps_the_old_result(tmp_path, monkeypatch):
    run_sweep_jobs(jobs(tmp_path, ""), LAUNCH)
    (folder,) = runs(tmp_path)
    before = files(folder)

    def fails(*_):
        raise UserError("training diverged")

    with monkeypatch.context() as patch:
        patch.setattr(compute, "_train", fails)
        (failed,) = run_sweep_jobs(jobs(tmp_path, "force=true"), LAUNCH)
    assert failed["error"] == "training diverged"
    assert files(folder) == before
    assert read_run(replacement_of(folder)).record.status == "failed"
    (kept,) = run_sweep_jobs(jobs(tmp_path, ""), LAUNCH)
    assert kept["steps"] == 20 and files(folder) == before


@pytest.mark.parametrize("moves", [0, 1, 2])
def test_a_replacement_that_died_while_it_was_moved_is_completed(tmp_path, monkeypatch, moves):
    run_sweep_jobs(jobs(tmp_path, ""), LAUNCH)
    (folder,) = runs(tmp_path)
    from cdfis_bench.records import replacement

    real, done = replacement.os.replace, []

    def dies(source, target):
        if len(done) == moves:
            raise KeyboardInterrupt
        done.append(target)
        real(source, target)

    class Patched:
        replace = staticmethod(dies)

    with monkeypatch.context() as patch:
        patch.setattr(replacement, "os", Patched)
        with pytest.raises(KeyboardInterrupt):
            run_sweep_jobs(jobs(tmp_path, "force=true"), LAUNCH)
    (summary,) = run_sweep_jobs(jobs(tmp_path, ""), LAUNCH)
    stored = read_run(folder)
    stored.check()
    assert summary["steps"] == 20 and stored.record.config["force"] is True


@pytest.mark.parametrize("error", [KeyboardInterrupt(), UserError("no"), ZeroDivisionError("no")])
def test_a_run_that_ended_early_goes_on_from_its_state(tmp_path, monkeypatch, error):
    folder = interrupted(tmp_path / "a", monkeypatch, error=error)
    (summary,) = run_sweep_jobs(jobs(tmp_path / "a", CHECKPOINTS), LAUNCH)
    stored = read_run(folder)
    assert summary["steps"] == 20 and stored.record.error is stored.record.traceback is None
    assert len(stored.record.resumed) == 1 and not (folder / "state.pt").exists()
    run_sweep_jobs(jobs(tmp_path / "b", CHECKPOINTS), LAUNCH)
    (whole,) = runs(tmp_path / "b")
    assert numbers(stored.rows()) == numbers(read_run(whole).rows())


@pytest.mark.parametrize(
    "refused",
    [
        "tracker=wandb wandb.project=a/b",
        "tracker._target_=no.such.tracker",
        BROKEN + "Unloadable",
    ],
)
def test_a_refused_attempt_keeps_the_state(tmp_path, monkeypatch, refused):
    folder = interrupted(tmp_path, monkeypatch)
    before = files(folder)
    (job,) = jobs(tmp_path, CHECKPOINTS)
    if refused.startswith("dataset"):  # another dataset would be another run

        def broken(*_, **__):
            raise ZeroDivisionError("a bug")

        monkeypatch.setattr(compute, "build", broken)
    else:
        (job,) = jobs(tmp_path, f"{CHECKPOINTS} {refused}")
    (failed,) = run_sweep_jobs([job], LAUNCH)
    assert failed["error"]
    monkeypatch.undo()
    after = files(folder)
    assert {n: b for n, b in after.items() if n != "run.json"} == {
        n: b for n, b in before.items() if n != "run.json"
    }
    (summary,) = run_sweep_jobs(jobs(tmp_path, CHECKPOINTS), LAUNCH)
    assert summary["steps"] == 20 and read_run(folder).record.resumed


def test_a_batch_of_seeds_lets_an_interrupted_one_go_on_alone(tmp_path, monkeypatch):
    folder = interrupted(tmp_path, monkeypatch, f"{CHECKPOINTS} seed=0")
    run_sweep_jobs(jobs(tmp_path, *(f"{CHECKPOINTS} seed={seed}" for seed in range(3))), BATCHED)
    seeds_at_once = [read_run(run).record.hardware["seeds_at_once"] for run in runs(tmp_path)]
    assert seeds_at_once == [1, 2, 2] and read_run(folder).record.resumed


def test_a_damaged_state_is_named_and_kept(tmp_path, monkeypatch):
    folder = interrupted(tmp_path, monkeypatch)
    good = (folder / "state.pt").read_bytes()
    (folder / "state.pt").write_bytes(good[:-1])
    (failed,) = run_sweep_jobs(jobs(tmp_path, CHECKPOINTS), LAUNCH)
    assert "state.pt" in failed["error"] and "checksum" in failed["error"]
    assert (folder / "state.pt").read_bytes() == good[:-1]
    (folder / "state.pt").write_bytes(good)
    run_sweep_jobs(jobs(tmp_path, CHECKPOINTS), LAUNCH)
    assert read_run(folder).done and read_run(folder).record.resumed


def test_a_state_whose_record_is_lost_is_still_used(tmp_path, monkeypatch):
    folder = interrupted(tmp_path, monkeypatch)
    (folder / "run.json").unlink()
    run_sweep_jobs(jobs(tmp_path, CHECKPOINTS), LAUNCH)
    assert read_run(folder).done and read_run(folder).record.resumed
