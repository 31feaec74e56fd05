"""Data that cannot be used is answered with the file, what is wrong, and what to do."""

import errno
import sys

import h5py
import numpy as np
import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.datasets.arrays import Arrays
from cdfis_bench.datasets.pcam import PCam
from cdfis_bench.datasets.small_images import SmallImages
from tests.datasets.made_files import image_arrays, make_arrays, make_mnist, make_pcam

CPU = torch.device("cpu")


def refused(action, *parts):
    """The sentence of the UserError, which holds all `parts`."""
    with pytest.raises(UserError) as caught:
        action()
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert all(part in sentence for part in parts), sentence


def pcam(root):
    return lambda: PCam(str(root)).load(CPU)


def test_missing_pcam_files_name_folder_files_and_ways_to_get_them(tmp_path):
    refused(
        pcam(tmp_path),
        str(tmp_path / "pcam"),
        "camelyonpatch_level_2_split_train_x.h5",
        "camelyonpatch_level_2_split_test_y.h5",
        "dataset.download=true",
        "Zenodo",
        "make_pcam_standin.py",
    )


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"x_train": np.zeros((4, 64, 64, 3), np.uint8)}, ["train_x.h5", "(4, 64, 64, 3)"]),
        ({"y_test": np.zeros((24, 1), np.uint8)}, ["test_y.h5", "(24, 1)"]),
        ({"y_train": np.zeros((9, 1, 1, 1), np.uint8)}, ["9 labels for 24 samples"]),
        ({"y_train": np.full((24, 1, 1, 1), 3, np.uint8)}, ["labels from 3 to 3", "0 to 1"]),
        ({"x_test": np.zeros((1, 96, 96, 3), np.uint8)}, ["24 labels for 1 samples"]),
    ],
)
def test_pcam_files_of_another_shape_are_refused(tmp_path, changes, parts):
    make_pcam(tmp_path, **changes)
    refused(pcam(tmp_path), *parts)


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.98])
def test_a_truncated_pcam_file_is_refused_and_leaves_no_cache(tmp_path, keep):
    make_pcam(tmp_path)
    path = tmp_path / "pcam" / "camelyonpatch_level_2_split_train_x.h5"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    refused(pcam(tmp_path), "camelyonpatch_level_2_split_train_x.h5", "get it again")
    assert not list(tmp_path.rglob("*.npy")) and not list(tmp_path.rglob("*.tmp"))


def test_a_pcam_file_of_another_make_is_refused(tmp_path):
    """A dataset of another name, and a group where the dataset should be."""
    make_pcam(tmp_path)
    path = tmp_path / "pcam" / "camelyonpatch_level_2_split_test_y.h5"
    for name, parts in (("z", ["test_y.h5", "get it again"]), ("y/z", ["y is a group"])):
        with h5py.File(path, "w") as file:
            file[name] = np.zeros((24, 1, 1, 1), np.uint8)
        refused(pcam(tmp_path), *parts)


def test_a_damaged_cache_is_named_and_kept(tmp_path):
    make_pcam(tmp_path)
    pcam(tmp_path)()
    cache = next((tmp_path / "pcam").glob("*train_x-*.npy"))
    cache.write_bytes(cache.read_bytes()[:1000])
    refused(pcam(tmp_path), str(cache), "delete it")
    assert cache.stat().st_size == 1000


def test_a_cache_that_cannot_be_written_names_the_value_to_set(tmp_path):
    make_pcam(tmp_path)
    (tmp_path / "file").write_text("")
    refused(
        lambda: PCam(str(tmp_path), cache_dir=str(tmp_path / "file" / "x")).load(CPU),
        "dataset.cache_dir",
    )


def test_a_full_disk_is_named_and_leaves_no_draft(tmp_path, monkeypatch):
    def full(source, key):
        yield b"part"
        raise OSError(errno.ENOSPC, "No space left on device")

    make_pcam(tmp_path)
    monkeypatch.setattr("cdfis_bench.datasets.mapped_cache._npy", full)
    refused(pcam(tmp_path), "No space left on device", "dataset.cache_dir")
    assert not list(tmp_path.rglob("*.npy")) and not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize(
    ("published", "files"),
    [("MNIST", "MNIST/raw/{train,t10k}-"), ("CIFAR10", "cifar-10-batches-py/")],
)
def test_missing_small_images_name_root_files_and_flag(tmp_path, published, files):
    root = str(tmp_path / "nowhere")
    parts = (root, files, "dataset.download=true", "dataset.root")
    refused(SmallImages(published, root).fingerprint, *parts)


@pytest.mark.parametrize("content", [b"", b"\0\0\x08", bytes(range(256)) * 9, None])
def test_an_mnist_file_cut_off_or_of_something_else_is_refused(tmp_path, content):
    make_mnist(tmp_path)
    for path in (tmp_path / "MNIST" / "raw").glob("train-images*"):
        path.write_bytes(path.read_bytes()[:1000] if content is None else content)
    refused(SmallImages("MNIST", str(tmp_path)).fingerprint, "MNIST", str(tmp_path), "damaged")


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"y_test": None}, ["has no y_test"]),
        ({"y_train": np.arange(24)}, ["labels from 0 to 23", "2 classes are 0 to 1"]),
        ({"y_train": np.full(24, 0.5)}, ["not whole numbers"]),
        ({"y_train": np.full(24, np.nan)}, ["y_train", "not finite"]),
        ({"y_test": np.full(24, "cat")}, ["y_test is <U3", "whole numbers from 0 to 1"]),
        ({"x_train": np.uint8(3), "x_test": np.uint8(3)}, ["x_train of shape ()"]),
        ({"y_train": np.zeros(23)}, ["23 labels for 24 samples"]),
        ({"x_test": np.zeros((24, 16, 16, 3), np.uint8)}, ["must be alike"]),
        (
            {"x_train": np.zeros((24, 5), np.int32), "x_test": np.zeros((24, 5), np.int32)},
            ["int32"],
        ),
        ({"x_train": np.full((24, 5), np.nan), "x_test": np.zeros((24, 5))}, ["not finite"]),
        (
            {
                "x_train": np.zeros((24, 8, 8, 5), np.uint8),
                "x_test": np.zeros((24, 8, 8, 5), np.uint8),
            },
            ["1 or 3 channels"],
        ),
        (
            {"x_train": np.zeros((0, 5)), "y_train": np.zeros(0), "x_test": np.zeros((24, 5))},
            ["no samples"],
        ),
        ({"x_test": np.zeros((0, 32, 32, 3), np.uint8), "y_test": np.zeros(0)}, ["no samples"]),
        (
            {"x_train": np.zeros((24, 0)), "x_test": np.zeros((24, 0))},
            ["x_train of shape (24, 0) has samples without values"],
        ),
        (
            {"x_train": np.full((24, 2), 1e300), "x_test": np.zeros((24, 2))},
            ["x_train", "float64 values above 3.4e+38", "scale them"],
        ),
        (
            {"x_train": np.zeros((24, 2)), "x_test": np.full((24, 2), -3.5e38)},
            ["x_test", "float64 values above 3.4e+38"],
        ),
        (
            {
                "x_train": np.full((24, 2), np.longdouble("1e4000")),
                "x_test": np.zeros((24, 2), np.longdouble),
            },
            ["x_train", "above 3.4e+38"],
        ),
        ({"y_train": np.eye(2)[np.arange(24) % 2]}, ["y_train of shape (24, 2)", "argmax"]),
        ({"y_test": np.zeros((24, 5), np.int64)}, ["y_test of shape (24, 5)", "several values"]),
        ({"y_train": np.full(24, 1e30)}, ["labels from", "2 classes"]),
        ({"y_train": np.full(24, 2**63, np.uint64)}, ["labels from 9223372036854775808"]),
        ({"x_train": np.array([{}] * 24)}, ["x_train holds pickled Python objects"]),
        ({"y_train": np.array([None] * 24)}, ["y_train holds pickled Python objects"]),
    ],
)
def test_arrays_that_cannot_be_used_are_refused(tmp_path, changes, parts):
    arrays = {k: v for k, v in (image_arrays() | changes).items() if v is not None}
    path = make_arrays(tmp_path / "mine.npz", **arrays)
    refused(lambda: Arrays(str(path), classes=2).load(CPU), "mine.npz", *parts)


def test_one_hot_rows_are_no_labels_even_if_their_number_fits(tmp_path):
    """(12, 2) values are 24, one for each of 24 samples, but not their classes."""
    arrays = image_arrays() | {"y_train": np.zeros((12, 2), np.int64)}
    path = make_arrays(tmp_path / "mine.npz", **arrays)
    refused(lambda: Arrays(str(path), classes=2).load(CPU), "mine.npz", "y_train", "(12, 2)")


@pytest.mark.parametrize("name", ["mine.npz", "mine.h5"])
def test_a_file_with_other_names_says_which_it_holds(tmp_path, name):
    path = make_arrays(tmp_path / name, images=np.ones((4, 2)), labels=np.ones(4))
    parts = ("has no x_train, y_train", "it holds images, labels", "under the names x_train")
    refused(lambda: Arrays(str(path), classes=2).load(CPU), name, *parts)


@pytest.mark.parametrize(
    ("suffix", "how"),
    [(".csv", "pandas"), (".mat", "scipy.io.loadmat"), (".zip", "unpack"), (".npy", "all four")],
)
def test_a_file_of_another_format_is_answered_with_the_way_to_convert_it(tmp_path, suffix, how):
    path = tmp_path / f"mine{suffix}"
    path.write_text("x")
    refused(lambda: Arrays(str(path), classes=2).load(CPU), path.name, how, "np.savez")


def test_a_folder_given_as_the_file_is_named(tmp_path):
    refused(Arrays(str(tmp_path), classes=2).fingerprint, f"{tmp_path} is a folder", ".npz or .h5")


def test_a_path_may_begin_with_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    make_arrays(tmp_path / "mine.npz", **image_arrays())
    assert len(Arrays("~/mine.npz", classes=2).load(CPU).train) == 24
    make_mnist(tmp_path)
    assert len(SmallImages("MNIST", "~").load(CPU).train) == 40
    make_pcam(tmp_path)
    assert len(PCam("~").load(CPU).train) == 24


@pytest.mark.parametrize("text", [3, ["a"], "two\nlines", "\x1b[31mred"])
def test_titles_and_paths_are_one_line_of_text(tmp_path, text):
    path = str(make_arrays(tmp_path / "mine.npz", **image_arrays()))
    for action in (
        lambda: Arrays(path, classes=2, title=text),
        lambda: PCam(str(tmp_path), title=text),
        lambda: SmallImages("MNIST", str(tmp_path), title=text),
    ):
        refused(action, "dataset.title=", "one line of text")
    refused(lambda: Arrays(text, classes=2), "dataset.path=")
    for make in (PCam, lambda root: SmallImages("MNIST", root)):
        refused(lambda make=make: make(text), "dataset.root=")
        refused(lambda make=make: make(None), "dataset.root must name the folder")


def test_an_unknown_published_set_is_refused(tmp_path):
    refused(lambda: SmallImages("FakeData", str(tmp_path)), "dataset.published='FakeData'")


@pytest.mark.parametrize("name", ["mine.npz", "mine.h5", "mine.txt"])
@pytest.mark.parametrize("content", ["", "not arrays"])
def test_an_unreadable_arrays_file_is_refused(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    refused(lambda: Arrays(str(tmp_path / name), classes=2).load(CPU), name)


@pytest.mark.parametrize("name", ["mine.npz", "mine.h5"])
def test_a_truncated_arrays_file_is_refused(tmp_path, name):
    path = make_arrays(tmp_path / name, **image_arrays())
    path.write_bytes(path.read_bytes()[:-2000])
    refused(lambda: Arrays(str(path), classes=2).load(CPU), name)


def test_a_missing_arrays_file_or_no_path_is_refused(tmp_path):
    refused(lambda: Arrays(str(tmp_path / "no.npz"), classes=2).load(CPU), "no.npz is not there")
    refused(lambda: Arrays(None, classes=2), "dataset.path")


def test_a_torchvision_that_does_not_fit_pytorch_is_named_with_the_remedy(tmp_path, monkeypatch):
    """What a CPU-only PyTorch beside the registry's usual torchvision says while importing."""
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    refused(
        lambda: SmallImages("MNIST", str(tmp_path)).load(CPU),
        "operator torchvision::nms does not exist",
        f"PyTorch {torch.__version__}",
        "pip install --force-reinstall torch torchvision",
    )
