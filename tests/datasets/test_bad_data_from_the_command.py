"""The command answers data that cannot be used in one sentence, whatever part of it finds out."""

import sys

import numpy as np
import pytest

from cdfis_bench.cli import run
from tests.datasets.made_files import image_arrays, make_arrays, make_mnist, make_pcam


def pcam_cut_off(folder):
    make_pcam(folder)
    path = folder / "pcam" / "camelyonpatch_level_2_split_test_x.h5"
    path.write_bytes(path.read_bytes()[:9000])
    return ["dataset=pcam", f"dataset.root={folder}"]


def pcam_of_64_pixels(folder):
    make_pcam(folder, x_train=np.zeros((24, 64, 64, 3), np.uint8))
    return ["dataset=pcam", f"dataset.root={folder}"]


def mnist_cut_off(folder):
    make_mnist(folder)
    for path in (folder / "MNIST" / "raw").glob("t10k-images*"):
        path.write_bytes(path.read_bytes()[:9000])
    return ["dataset=mnist", f"dataset.root={folder}"]


def arrays(folder, n=24, shape=(32, 32, 3), **changes):
    path = make_arrays(folder / "mine.npz", **image_arrays(n, shape) | changes)
    return ["dataset=arrays", f"dataset.path={path}"]


CASES = {
    "pcam cut off": (pcam_cut_off, "split_test_x.h5 is not a readable HDF5 file"),
    "pcam of another shape": (pcam_of_64_pixels, "but PatchCamelyon's is uint8 (n, 96, 96, 3)"),
    "mnist cut off": (mnist_cut_off, "or delete files that are damaged"),
    "no mnist": (lambda f: ["dataset=mnist", f"dataset.root={f}/no"], "dataset.download=true"),
    "no cifar10": (lambda f: ["dataset=cifar10", f"dataset.root={f}/no"], "dataset.download=true"),
    "no path": (lambda f: ["dataset=arrays"], "dataset=arrays needs dataset.path=<file>"),
    "no file": (lambda f: ["dataset=arrays", f"dataset.path={f}/no.h5"], "no.h5 is not there"),
    "labels out of range": (
        lambda f: arrays(f, y_test=np.full(24, 7)),
        "y_test holds labels from 7 to 7; 2 classes are 0 to 1",
    ),
    "different lengths": (
        lambda f: arrays(f, y_train=np.zeros(23)),
        "y_train has 23 labels for 24 samples",
    ),
    "another size than the network's": (
        lambda f: arrays(f, shape=(48, 48, 3)),
        "cannot take samples of shape (3, 48, 48)",
    ),
    "images too small": (
        lambda f: [*arrays(f, shape=(12, 12, 3)), "model.side=12"],
        "model.side=12 is too small",
    ),
    "fewer samples than candidates": (
        lambda f: arrays(f),
        "large_batch_size=1024 exceeds the training set of 24",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_sentence_and_exit_code_1(case, tmp_path, monkeypatch, capsys):
    make, message = CASES[case]
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    monkeypatch.setattr(
        sys, "argv", ["cdfis_bench", *make(tmp_path), "tracker=none", f"results_dir={tmp_path}/out"]
    )
    with pytest.raises(SystemExit) as ended:
        run()
    # A string as exit code is printed to stderr by the interpreter, which then exits with 1.
    assert isinstance(ended.value.code, str)
    assert message in ended.value.code and "\n" not in ended.value.code
    said = capsys.readouterr()
    assert not said.out and "Traceback" not in said.err
