"""Every flipped byte of a finished run, or of a saved state, is found or harmless."""

import json
import random

import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.records.checksums import is_intact, sealed
from cdfis_bench.records.claims import claim
from cdfis_bench.records.run_writer import RunWriter
from cdfis_bench.records.stored_run import read_run
from tests.records.test_records import RECORD, SUMMARY

CURRENT = RECORD.but(
    config={"seed": 0, "results_version": 2, "lr": 0.005, "dataset": {"name": "x"}}
)


def finished(folder):
    with claim(folder):
        writer = RunWriter.begin(folder, CURRENT)
        for step in range(4):
            writer.row("curve", step=step, test_accuracy=0.5 + step / 10, train_loss=None)
        writer.array("selected_count", torch.arange(5, dtype=torch.int32))
        return writer.finish(SUMMARY)


def contents(folder):
    """All that analysis sees of a run."""
    stored = read_run(folder)
    stored.check()
    return json.dumps(
        [stored.record.to_json(), stored.rows(), stored.array("selected_count").tolist()]
    )


def flips(size, most, seed):
    """(position, bits to flip): all positions of a small file, otherwise a sample."""
    rng = random.Random(seed)
    positions = range(size) if size <= most else rng.sample(range(size), most)
    return [(position, rng.randrange(1, 256)) for position in positions]


@pytest.mark.parametrize("name", ["run.json", "curve.jsonl", "arrays.h5"])
def test_a_flipped_byte_is_found_or_changes_nothing(tmp_path, name):
    finished(tmp_path / "r")
    path = tmp_path / "r" / name
    whole, before, found = path.read_bytes(), contents(tmp_path / "r"), 0
    tried = flips(len(whole), 1500, seed=1)
    for position, bits in tried:
        damaged = bytearray(whole)
        damaged[position] ^= bits
        path.write_bytes(damaged)
        try:
            assert contents(tmp_path / "r") == before, f"byte {position} ^ {bits} is believed"
        except UserError as error:
            assert "\n" not in str(error)
            found += 1
    assert found == len(tried), "every byte is covered by a checksum"


@pytest.mark.parametrize("name", ["run.json", "curve.jsonl", "arrays.h5"])
@pytest.mark.parametrize("damage", ["cut", "empty", "longer", "zeros", "gone"])
def test_a_file_that_is_cut_or_grew_is_found(tmp_path, name, damage):
    finished(tmp_path / "r")
    path = tmp_path / "r" / name
    whole = path.read_bytes()
    if damage == "gone":
        path.unlink()
        if name == "run.json":
            assert read_run(tmp_path / "r") is None
            return
    else:
        new = {"cut": whole[:-1], "empty": b"", "longer": whole + b"\n", "zeros": bytes(len(whole))}
        path.write_bytes(new[damage])
    with pytest.raises(UserError):
        contents(tmp_path / "r")


def test_files_of_another_run_are_found(tmp_path):
    finished(tmp_path / "r")
    with claim(tmp_path / "s"):
        writer = RunWriter.begin(tmp_path / "s", CURRENT)
        writer.row("curve", step=7)
        writer.finish(SUMMARY)
    (tmp_path / "r" / "curve.jsonl").write_bytes((tmp_path / "s" / "curve.jsonl").read_bytes())
    with pytest.raises(UserError, match="its checksum differs"):
        read_run(tmp_path / "r").rows()


@pytest.mark.parametrize("key", ["checksum", "checksums"])
def test_a_current_run_without_checksums_is_refused(tmp_path, key):
    finished(tmp_path / "r")
    path = tmp_path / "r" / "run.json"
    values = json.loads(path.read_text())
    del values[key]
    path.write_text(json.dumps(values) if key == "checksum" else sealed(values))
    with pytest.raises(UserError, match="checksum"):
        contents(tmp_path / "r")


def test_an_edited_record_is_refused(tmp_path):
    finished(tmp_path / "r")
    path = tmp_path / "r" / "run.json"
    path.write_text(path.read_text().replace('"test_accuracy": 0.75', '"test_accuracy": 0.95'))
    with pytest.raises(UserError, match="not what was written"):
        read_run(tmp_path / "r")


def test_a_flipped_byte_of_a_state_is_found(tmp_path):
    (tmp_path / "r").mkdir()
    writer = RunWriter.begin(tmp_path / "r", CURRENT)
    writer.row("curve", step=0)
    writer.save_state({"step": 1, "weights": torch.arange(3)})
    writer.row("curve", step=1)
    for name in ("state.pt", "curve.jsonl"):
        path = tmp_path / "r" / name
        whole = path.read_bytes()
        size = len(whole) if name == "state.pt" else whole.index(b"\n") + 1
        for position, bits in flips(size, 150, seed=2):
            damaged = bytearray(whole)
            damaged[position] ^= bits
            path.write_bytes(damaged)
            with pytest.raises(UserError, match=r"cannot be resumed from .*state\.pt"):
                RunWriter.resume(tmp_path / "r")
            assert path.read_bytes() == damaged, "nothing is overwritten"
        path.write_bytes(whole)
    _, state, rows = RunWriter.resume(tmp_path / "r")
    assert state["step"] == 1 and rows == [{"step": 0}]


def test_only_the_text_that_was_sealed_is_intact():
    text = sealed({"a": 1, "checksum": "old"}).encode()
    assert json.loads(text)["a"] == 1 and is_intact(text)
    assert not is_intact(text + b"\n") and not is_intact(text.replace(b"1", b"2", 1))
    assert not is_intact(b"{}") and not is_intact(b"")


def test_data_reach_the_disk_before_the_run_is_done(tmp_path, monkeypatch):
    from cdfis_bench.records import files, run_writer

    synced = []
    real = files.sync_file

    def spy(path):
        synced.append(path.name)
        real(path)

    monkeypatch.setattr(files, "sync_file", spy)
    monkeypatch.setattr(run_writer, "sync_file", spy)
    (tmp_path / "r").mkdir()
    writer = RunWriter.begin(tmp_path / "r", CURRENT)
    writer.row("curve", step=0)
    synced.clear()
    writer.finish(SUMMARY)
    assert synced == ["curve.jsonl", "arrays.h5.tmp", "r", "run.json.tmp", "r"]
