"""A data file is read as data: nothing outside the file, nothing that is no array of numbers."""

import h5py
import numpy as np
import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.datasets.arrays import Arrays
from cdfis_bench.datasets.pcam import PCam
from tests.datasets.made_files import image_arrays, make_pcam

CPU = torch.device("cpu")


def write_other(folder, values):
    with h5py.File(folder / "other.h5", "w") as other:
        other["values"] = values
    (folder / "other.raw").write_bytes(values.tobytes())


def external_link(folder, file, key, values):
    file[key] = h5py.ExternalLink(str(folder / "other.h5"), "values")


def soft_link(folder, file, key, values):
    file["folder"] = h5py.ExternalLink(str(folder / "other.h5"), "/")
    file[key] = h5py.SoftLink("/folder/values")


def virtual(folder, file, key, values):
    layout = h5py.VirtualLayout(values.shape, values.dtype)
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "values", values.shape)
    file.create_virtual_dataset(key, layout)


def external_storage(folder, file, key, values):
    place = [(str(folder / "other.raw"), 0, values.nbytes)]
    file.create_dataset(key, values.shape, values.dtype, external=place)


ELSEWHERE = [external_link, soft_link, virtual, external_storage]


def refusal(action, *parts):
    with pytest.raises(UserError) as caught:
        action()
    text = str(caught.value)
    assert "\n" not in text and len(text) <= 300
    assert all(part in text for part in parts), text


@pytest.mark.parametrize("key", ["x_train", "y_test"])
@pytest.mark.parametrize("place", ELSEWHERE, ids=lambda place: place.__name__)
def test_values_that_lie_in_another_file_are_refused(tmp_path, place, key):
    arrays = image_arrays()
    write_other(tmp_path, arrays[key])
    with h5py.File(tmp_path / "mine.h5", "w") as file:
        for name, values in arrays.items():
            if name == key:
                place(tmp_path, file, key, values)
            else:
                file[name] = values
    path = str(tmp_path / "mine.h5")
    refusal(lambda: Arrays(path, classes=2).load(CPU), "mine.h5", key, "into this file")


@pytest.mark.parametrize("place", ELSEWHERE, ids=lambda place: place.__name__)
def test_patches_that_lie_in_another_file_are_refused(tmp_path, place):
    patches = make_pcam(tmp_path)["x_train"]
    write_other(tmp_path, patches)
    name = "camelyonpatch_level_2_split_train_x.h5"
    with h5py.File(tmp_path / "pcam" / name, "w") as file:
        place(tmp_path, file, "x", patches)
    refusal(lambda: PCam(str(tmp_path)).load(CPU), name, "x is", "into this file")


@pytest.mark.parametrize(
    "make",
    [
        lambda file: file.create_group("x_train"),
        lambda file: file.create_dataset("x_train", data=h5py.Empty("f4")),
        lambda file: file.create_dataset("x_train", data=["a"] * 24),
        lambda file: file.create_dataset("x_train", (24,), h5py.vlen_dtype("f4")),
        lambda file: file.create_dataset("x_train", (24,), h5py.ref_dtype),
        lambda file: file.create_dataset("x_train", data=np.zeros(24, [("a", "f4")])),
    ],
    ids=["group", "empty", "text", "ragged", "references", "compound"],
)
def test_what_is_no_array_of_numbers_is_refused(tmp_path, make):
    with h5py.File(tmp_path / "mine.h5", "w") as file:
        for name, values in image_arrays().items():
            if name != "x_train":
                file[name] = values
        make(file)
    path = str(tmp_path / "mine.h5")
    refusal(lambda: Arrays(path, classes=2).load(CPU), "mine.h5", "x_train", "array of numbers")
