"""Property: a damaged data file is read as it was, or refused in one sentence that names it."""

import warnings

import h5py
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdfis_bench.core.errors import UserError
from cdfis_bench.datasets.arrays import Arrays
from cdfis_bench.datasets.small_images import SmallImages
from tests.datasets.made_files import image_arrays, make_arrays, make_mnist

CPU = torch.device("cpu")
BOUNDED = settings(
    max_examples=30,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SHAPE = (8, 8, 1)


@st.composite
def damages(draw):
    """From the bytes of a file to those of a damaged one."""
    places = draw(st.lists(st.floats(0, 0.999), max_size=8))
    bits = draw(st.lists(st.integers(0, 7), min_size=8, max_size=8))
    keep = draw(st.sampled_from([1.0, 1.0, 1.0, 0.0, 0.3, 0.97]) | st.floats(0, 1))
    head = draw(st.booleans())  # headers decide how the rest is read

    def damage(whole: bytes) -> bytes:
        out = bytearray(whole)
        for place, bit in zip(places, bits, strict=False):
            out[int(place * min(len(out), 600 if head else len(out)))] ^= 1 << bit
        return bytes(out[: int(len(out) * keep)])

    return damage


def read_or_refused(source, path):
    """The dataset, or None if it was refused in one sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            source.fingerprint()
            return source.load(CPU)
    except UserError as error:
        text = str(error)
        assert "\n" not in text and str(path) in text, text
        assert len(text.replace(str(path), "")) <= 300, text
        return None


def check_loaded(data):
    assert len(data.train) == len(data.train.y) and len(data.test) == len(data.test.y)
    for part in (data.train, data.test):
        assert int(part.y.min()) >= 0 and int(part.y.max()) < data.n_classes
        batch = part.batch(torch.arange(min(3, len(part))))
        assert bool(batch.x.isfinite().all()) and tuple(batch.x.shape[1:]) == data.sample_shape


@BOUNDED
@given(damage=damages())
@pytest.mark.parametrize("name", ["mine.npz", "mine.h5"])
def test_a_damaged_file_of_arrays(tmp_path, name, damage):
    path = tmp_path / name
    path.unlink(missing_ok=True)
    make_arrays(path, **image_arrays(shape=SHAPE))
    path.write_bytes(damage(path.read_bytes()))
    if data := read_or_refused(Arrays(str(path), classes=2), path):
        check_loaded(data)


@BOUNDED
@given(damage=damages(), which=st.sampled_from(["images-idx3", "labels-idx1"]))
def test_a_damaged_file_of_mnist(tmp_path_factory, damage, which):
    root = tmp_path_factory.mktemp("mnist")
    make_mnist(root, n=12)
    path = root / "MNIST" / "raw" / f"train-{which}-ubyte"
    path.write_bytes(damage(path.read_bytes()))
    if data := read_or_refused(SmallImages("MNIST", str(root)), root):
        check_loaded(data)
        assert "not verified" in data.title


DTYPES = ["u1", "i1", "i8", "u8", "f2", ">f4", "f4", "f8", "c8", "?", "U3", "S2", "M8[s]"]
SHAPES = [(), (0,), (24,), (24, 1), (1, 24), (24, 2), (24, 0), (24, 8, 8), (24, 8, 8, 1)]
SHAPES += [(24, 3, 8, 8), (24, 2, 2, 2), (24, 0, 8, 3), (0, 8, 8), (24, 1, 1, 1, 1)]
VALUES = [0, 1, -1, 3, 2**40, 0.5, 1e39, 1e300, float("nan"), float("inf")]


def made(dtype, shape, value):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return np.full(shape, value, "f8").astype(dtype)


@BOUNDED
@given(
    dtype=st.sampled_from(DTYPES),
    shape=st.sampled_from(SHAPES),
    value=st.sampled_from(VALUES),
    keys=st.sampled_from([("x_train", "x_test"), ("y_train",), ("y_test",), ("x_train",)]),
)
@pytest.mark.parametrize("name", ["mine.npz", "mine.h5"])
def test_arrays_of_any_type_and_shape(tmp_path, name, dtype, shape, value, keys):
    try:
        values = made(dtype, shape, value)
    except (ValueError, TypeError, OverflowError):
        return  # NumPy has no such array
    path = tmp_path / name
    path.unlink(missing_ok=True)
    if path.suffix == ".h5" and values.dtype.kind in "UM":
        return  # h5py has no such type
    make_arrays(path, **image_arrays(shape=SHAPE) | dict.fromkeys(keys, values))
    if data := read_or_refused(Arrays(str(path), classes=2), path):
        check_loaded(data)


@BOUNDED
@given(names=st.lists(st.text(min_size=1, max_size=40), max_size=9, unique=True))
def test_names_in_a_file_are_shown_in_one_line(tmp_path, names):
    path = tmp_path / "mine.h5"
    with h5py.File(path, "w") as file:
        for number, name in enumerate(names):
            try:
                file[f"{name}{number}"] = np.zeros(1)
            except (ValueError, OSError, UnicodeEncodeError, RuntimeError):
                continue  # HDF5 has no such name
    assert read_or_refused(Arrays(str(path), classes=2), path) is None
