"""Results that somebody sent are data: opening them runs nothing and touches nothing else."""

import os

import h5py
import numpy as np
import pytest
import torch

from cdfis_bench.analysis.experiment import load_experiment
from cdfis_bench.analysis.summary_table import summary_text
from cdfis_bench.config.build import make
from cdfis_bench.config.stored_data import StoredGallery
from cdfis_bench.core.errors import UserError
from cdfis_bench.core.printable import one_line, printable
from cdfis_bench.records import arrays
from cdfis_bench.records.checksums import sealed
from cdfis_bench.records.claims import claim
from cdfis_bench.records.experiment import Job, note_job
from cdfis_bench.records.files import file_sha256, write_json
from cdfis_bench.records.run_writer import RunWriter
from cdfis_bench.records.stored_run import read_run
from tests.analysis.fabricate import note, run

CALLED = []
DATA = {"name": "two_circles", "train_size": 20, "test_size": 9, "data_seed": 0}


def attack(*args, **values):
    """What a crafted record would call."""
    CALLED.append((args, values))
    raise AssertionError("code named by a record was run")


ATTACK = f"{__name__}.attack"


@pytest.mark.parametrize(
    "dataset",
    [
        DATA | {"_target_": ATTACK},
        DATA | {"train_size": {"_target_": ATTACK}},
        DATA | {"train_size": [{"_target_": ATTACK}]},
        DATA | {"train_size": "${oc.env:HOME}"},
        DATA | {"name": "../figure/importance", "_target_": ATTACK},
        {"name": "unheard_of", "_target_": ATTACK},
        {"name": 3, "_target_": ATTACK},
        {"_target_": ATTACK},
        "two_circles",
    ],
)
def test_the_class_that_a_record_names_is_never_called(tmp_path, dataset):
    stored = run(tmp_path, dataset=dataset, fingerprint="x")
    with pytest.raises(UserError) as caught:
        StoredGallery()(stored)
    assert "\n" not in str(caught.value) and not CALLED


def test_an_unknown_dataset_is_answered_with_how_to_name_it(tmp_path):
    stored = run(tmp_path, dataset={"name": "mine", "_target_": ATTACK}, fingerprint="x")
    with pytest.raises(UserError, match=r"add dataset=mine to the command .*--config-dir"):
        StoredGallery()(stored)


def test_the_dataset_of_the_command_loads_runs_on_its_name(tmp_path):
    own = {"name": "mine", "_target_": "cdfis_bench.datasets.two_circles.TwoCircles"}
    own |= {"train_size": 20, "test_size": 9, "data_seed": 0}
    fingerprint = make("dataset", own).fingerprint()
    stored = run(tmp_path, dataset=own | {"_target_": ATTACK}, fingerprint=fingerprint)
    gallery = StoredGallery(dataset=own)(stored)
    assert len(gallery.labels) == 20 and not CALLED


def test_a_record_starts_no_download_and_names_no_place_to_write(tmp_path, monkeypatch):
    asked = []

    def spy(group, config):
        asked.append(config)
        raise UserError("stop")

    monkeypatch.setattr("cdfis_bench.config.stored_data.make", spy)
    data = {"name": "pcam", "root": "there", "download": True, "cache_dir": "/etc/cron.d"}
    with pytest.raises(UserError, match="stop"):
        StoredGallery()(run(tmp_path, dataset=data, fingerprint="x"))
    (config,) = asked
    assert config["root"] == "there"
    assert config["download"] is False and config["cache_dir"] is None


@pytest.mark.parametrize(
    "planted", ["run.json.tmp", "curve.jsonl", "arrays.h5.tmp", "state.pt.tmp"]
)
def test_a_planted_link_is_not_written_through(tmp_path, planted):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "runs" / "r"
    stored = run(tmp_path / "other")
    with claim(folder):
        (folder / planted).symlink_to(victim)
        writer = RunWriter.begin(folder, stored.record)
        writer.row("curve", step=0)
        writer.save_state({"step": 0})
        writer.finish(stored.summary)
    assert victim.read_text() == "precious"
    read_run(folder).check()


@pytest.mark.parametrize("name", ["x.json.tmp", "x.json"])
def test_a_planted_link_of_any_file_is_replaced(tmp_path, name):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / name).symlink_to(victim)
    write_json(tmp_path / "x.json", {"a": 1})
    assert (
        victim.read_text() == "precious" and (tmp_path / "x.json").read_text() == '{\n "a": 1\n}\n'
    )


@pytest.mark.parametrize("name", ["run.json", "curve.jsonl", "arrays.h5"])
@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_a_file_of_a_run_that_is_no_plain_file_is_refused(tmp_path, name, kind):
    path = run(tmp_path).folder / name
    moved = path.rename(tmp_path / "moved")
    {"link": lambda: path.symlink_to(moved), "pipe": lambda: os.mkfifo(path), "folder": path.mkdir}[
        kind
    ]()
    folder = path.parent
    with pytest.raises(UserError, match=f"{name} cannot be read") as caught:
        read_run(folder).check()
    assert "\n" not in str(caught.value)


def test_a_run_folder_or_lock_that_is_a_link_is_refused(tmp_path):
    folder = run(tmp_path).folder
    moved = folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(moved)
    with pytest.raises(UserError, match="is a symbolic link"):
        read_run(folder)
    with pytest.raises(UserError, match="is a symbolic link"), claim(folder):
        pass
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (moved / ".lock").unlink(missing_ok=True)
    (moved / ".lock").symlink_to(victim)
    with pytest.raises(UserError, match="is a symbolic link"), claim(moved):
        pass
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("name", ["../../x", "..", "/etc", "", "a/b"])
def test_a_note_of_a_job_that_points_elsewhere_is_a_missing_run(tmp_path, name):
    results = tmp_path / "results"
    run(results)
    outside = run(tmp_path).folder.rename(tmp_path / "x")
    note_job(results, "sweep", Job(0, ["seed=0"], "computed", "m", name))
    experiment = load_experiment(results, "sweep")
    assert not experiment.runs and len(experiment.missing) == 1 and outside.exists()


def crafted(folder, write):
    """Replaces arrays.h5 and its checksum, as somebody who makes up results would."""
    path = folder / "arrays.h5"
    path.unlink()
    with h5py.File(path, "w") as file:
        write(file)
    stored = read_run(folder)
    record = stored.record.but(
        checksums=dict(stored.record.checksums) | {"arrays.h5": file_sha256(path)}
    )
    (folder / "run.json").write_text(sealed(record.to_json()))
    return read_run(folder)


def test_arrays_that_lie_elsewhere_or_claim_absurd_sizes_are_refused(tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = np.arange(5)
    (tmp_path / "raw").write_bytes(bytes(40))

    def write(file):
        file["outer"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "x")
        file["soft"] = h5py.SoftLink("/fine")
        layout = h5py.VirtualLayout((5,), "i8")
        layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "x", (5,))
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("raw", (5,), "i8", external=[(str(tmp_path / "raw"), 0, 40)])
        file.create_dataset("absurd", (1 << 50,), "f8", chunks=(1 << 10,))
        file.create_dataset("bomb", data=np.zeros(1 << 20), compression="gzip")
        file["text"] = "words"
        file["fine"] = np.arange(3)

    stored = crafted(run(tmp_path).folder, write)
    assert stored.array("fine").tolist() == [0, 1, 2]
    for name in ("outer", "soft", "virtual", "raw", "absurd", "bomb", "text", "none", "fine/x"):
        with pytest.raises(UserError, match=f"arrays.h5: {name} cannot be read"):
            stored.array(name)
    assert arrays.array_names(stored.folder / "arrays.h5", "nothing") == []


ESCAPE = "\x1b]0;owned\x07\x1b[2J\u202e\x9b31m"


def test_text_of_a_record_cannot_steer_the_terminal(tmp_path):
    stored = run(tmp_path, method="loss_cdf", method_title=ESCAPE)
    record = stored.record.but(dataset=ESCAPE, method=f"m{ESCAPE}", ended=ESCAPE)
    (stored.folder / "run.json").write_text(sealed(record.to_json()))
    note(tmp_path, 0, stored)
    note_job(tmp_path, "sweep", Job(1, [ESCAPE], "failed", error=ESCAPE))
    experiment = load_experiment(tmp_path, "sweep")
    text = summary_text(experiment)
    assert "owned" in text and not set(text) & set(ESCAPE[:1] + "\x07\x9b\u202e")
    assert "\\x1b" in experiment.runs[0].record.config["method_title"]


def test_printable_keeps_what_is_printed():
    assert (
        printable("größe\n\tok é 漢字 \N{GRINNING FACE}") == "größe\n\tok é 漢字 \N{GRINNING FACE}"
    )
    assert one_line("a\n\x1bb") == "a \\x1bb"


def test_a_state_cannot_run_code(tmp_path):
    class Attack:
        def __reduce__(self):
            return attack, ()

    folder = tmp_path / "r"
    with claim(folder):
        stored = run(tmp_path / "other")
        writer = RunWriter.begin(folder, stored.record.but(summary=None))
        writer.row("curve", step=0)
        writer.save_state({"step": Attack()})
    with pytest.raises(UserError, match="cannot be resumed"):
        RunWriter.resume(folder)
    assert not CALLED


def test_a_state_of_another_run_is_refused(tmp_path):
    folder, stored = tmp_path / "r", run(tmp_path / "other")
    with claim(folder):
        writer = RunWriter.begin(folder, stored.record.but(summary=None))
        writer.save_state({"weights": torch.zeros(3)})
        writer.note(id="another-s0")
    with pytest.raises(UserError, match="belongs to another run"):
        RunWriter.resume(folder)
