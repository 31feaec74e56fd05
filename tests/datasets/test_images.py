"""Images are gathered by their row, normalised as written down, and called what they are."""

import importlib.util
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from cdfis_bench.datasets.arrays import Arrays
from cdfis_bench.datasets.images import ImageSamples, channel_statistics
from cdfis_bench.datasets.make_gallery import make_gallery
from cdfis_bench.datasets.pcam import MEAN, STD, PCam
from cdfis_bench.datasets.small_images import _CLASS_COUNTS, SmallImages
from tests.datasets.made_files import (
    image_arrays,
    make_arrays,
    make_cifar10,
    make_mnist,
    make_pcam,
)

CPU = torch.device("cpu")
ROWS = torch.tensor([7, 0, 7, 3])


def expected(images, mean, std):
    """float64 brute force: [K, H, W, C] uint8 to normalised [K, C, H, W]."""
    pixels = torch.from_numpy(np.asarray(images)).double() / 255
    return ((pixels - torch.tensor(mean)) / torch.tensor(std)).permute(0, 3, 1, 2)


def test_a_batch_is_the_normalised_rows_with_their_index():
    images = torch.from_numpy(image_arrays()["x_train"])
    samples = ImageSamples(images, torch.arange(24), (0.5, 0.4, 0.3), (0.2, 0.3, 0.4), CPU)
    batch = samples.batch(ROWS)
    assert batch.x.dtype == torch.float32
    assert torch.allclose(
        batch.x.double(), expected(images[ROWS], (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)), atol=1e-5
    )
    assert torch.equal(batch.y, ROWS) and torch.equal(batch.index, ROWS)


def test_a_later_batch_does_not_change_an_earlier_one():
    images = torch.from_numpy(image_arrays()["x_train"])
    samples = ImageSamples(images, torch.arange(24), (0.5,) * 3, (0.2,) * 3, CPU)
    kept = [samples.batch(ROWS + i) for i in range(4)]
    part = samples.batch(ROWS).x[1:, :, 3:5]  # a view, whose batch is gone
    assert torch.equal(part, samples.batch(ROWS).x[1:, :, 3:5])
    for i, batch in enumerate(kept):
        assert torch.equal(batch.x, samples.batch(ROWS + i).x)


def test_the_memory_of_a_batch_that_is_gone_is_used_again():
    images = torch.from_numpy(image_arrays()["x_train"])
    samples = ImageSamples(images, torch.arange(24), (0.5,) * 3, (0.2,) * 3, CPU)
    places = {samples.batch(ROWS).x.data_ptr() for _ in range(9)}
    assert len(places) == 1


def test_channel_statistics_are_numpys():
    images = image_arrays(50)["x_train"]
    images[..., 2] = 9  # a constant channel
    mean, std = channel_statistics(torch.from_numpy(images), bytes_at_once=7 * images[0].size)
    assert np.allclose(mean, (images / 255).mean((0, 1, 2)))
    assert np.allclose(std[:2], (images / 255).std((0, 1, 2))[:2]) and std[2] == 1


def test_mnist_is_read_from_the_published_files(tmp_path):
    made = make_mnist(tmp_path)
    data = SmallImages("MNIST", str(tmp_path)).load(CPU)
    assert (data.n_classes, data.sample_shape) == (10, (1, 28, 28))
    batch = data.test.batch(ROWS)
    rows = made["x_test"][ROWS.numpy()][..., None]
    assert torch.allclose(batch.x.double(), expected(rows, (0.1307,), (0.3081,)), atol=1e-5)
    assert batch.y.tolist() == made["y_test"][ROWS.numpy()].tolist()


def test_only_the_published_images_are_called_by_their_name(tmp_path, monkeypatch):
    """Other sizes, other classes or other pixels are said to be unverified."""
    made = make_mnist(tmp_path)
    other = "data in MNIST's format, not verified (40 + 40 images)"
    assert SmallImages("MNIST", str(tmp_path)).load(CPU).title == other
    assert SmallImages("MNIST", str(tmp_path), title="Mine").load(CPU).title == "Mine"
    counts = {"MNIST": ((4,) * 10, (4,) * 10)}
    monkeypatch.setattr("cdfis_bench.datasets.small_images._CLASS_COUNTS", counts)
    assert SmallImages("MNIST", str(tmp_path)).load(CPU).title == other
    mean = {"MNIST": ((float(made["x_train"].mean() / 255),), (0.3,))}
    monkeypatch.setattr("cdfis_bench.datasets.small_images._STATISTICS", mean)
    assert SmallImages("MNIST", str(tmp_path)).load(CPU).title == "MNIST"


def test_the_published_numbers_of_images_add_up():
    for name, sizes in (("MNIST", (60_000, 10_000)), ("CIFAR10", (50_000, 10_000))):
        assert tuple(map(sum, _CLASS_COUNTS[name])) == sizes


def test_cifar10_is_taken_from_torchvision_as_it_is(tmp_path, monkeypatch):
    made = make_cifar10()
    monkeypatch.setattr("cdfis_bench.datasets.small_images.read", lambda *a, **k: made)
    data = SmallImages("CIFAR10", str(tmp_path), title="CIFAR-10 (recompressed)").load(CPU)
    assert (data.title, data.sample_shape) == ("CIFAR-10 (recompressed)", (3, 32, 32))
    assert data.train.batch(ROWS).y.tolist() == [made.targets[row] for row in ROWS]


def test_pcam_patches_are_those_of_the_file_and_cached_once(tmp_path):
    made = make_pcam(tmp_path)
    data = PCam(str(tmp_path)).load(CPU)
    assert data.sample_shape == (3, 96, 96) and data.n_classes == 2
    rows = made["x_train"][ROWS.numpy()]
    assert torch.allclose(data.train.batch(ROWS).x.double(), expected(rows, MEAN, STD), atol=1e-5)
    caches = list((tmp_path / "pcam").glob("*.npy"))
    written = [cache.stat().st_mtime_ns for cache in caches]
    assert len(caches) == 2
    PCam(str(tmp_path)).load(CPU)
    assert [cache.stat().st_mtime_ns for cache in caches] == written


def test_another_pcam_file_gets_another_cache(tmp_path):
    make_pcam(tmp_path, seed=0)
    PCam(str(tmp_path), cache_dir=str(tmp_path / "cache")).load(CPU)
    made = make_pcam(tmp_path, n=30, seed=1)
    data = PCam(str(tmp_path), cache_dir=str(tmp_path / "cache")).load(CPU)
    rows = made["x_test"][ROWS.numpy()]
    assert torch.allclose(data.test.batch(ROWS).x.double(), expected(rows, MEAN, STD), atol=1e-5)
    assert not list((tmp_path / "pcam").glob("*.npy"))
    assert not list((tmp_path / "cache").glob("*.tmp"))


def test_a_subset_of_pcam_is_called_a_subset(tmp_path):
    make_pcam(tmp_path)
    assert PCam(str(tmp_path)).load(CPU).title == "PCam subset (48 patches)"
    assert PCam(str(tmp_path), title="Mine").load(CPU).title == "Mine"


@pytest.mark.parametrize("end", [".npz", ".h5"])
@pytest.mark.parametrize(
    ("shape", "sample_shape"),
    [((20, 18, 3), (3, 20, 18)), ((3, 20, 18), (3, 20, 18)), ((20, 18), (1, 20, 18))],
)
def test_arrays_of_images_are_read_in_any_layout(tmp_path, end, shape, sample_shape):
    path = make_arrays(tmp_path / f"mine{end}", **image_arrays(shape=shape))
    data = Arrays(str(path), classes=2).load(CPU)
    assert data.title == f"mine{end}" and data.sample_shape == sample_shape
    everything = data.train.batch(torch.arange(24)).x
    assert everything.mean((0, 2, 3)).abs().max() < 1e-5, "normalised by its own statistics"
    assert (everything.std((0, 2, 3)) - 1).abs().max() < 1e-3


@pytest.mark.parametrize("shape", [(8, 9, 3), (3, 8, 9)])
@pytest.mark.parametrize("compression", [None, "gzip"])
def test_large_h5_images_are_mapped_and_those_of_the_file(
    tmp_path, monkeypatch, shape, compression
):
    monkeypatch.setattr("cdfis_bench.datasets.arrays.MAPPED_ABOVE_BYTES", 0)
    made, path = image_arrays(shape=shape), tmp_path / "mine.h5"
    with h5py.File(path, "w") as file:
        for name, values in made.items():
            file.create_dataset(name, data=values, compression=compression)
    mapped = Arrays(str(path), 2, cache_dir=str(tmp_path / "cache")).load(CPU)
    assert len(list((tmp_path / "cache").glob("*.npy"))) == 2
    monkeypatch.undo()
    read = Arrays(str(path), 2).load(CPU)
    for one, other in ((mapped.train, read.train), (mapped.test, read.test)):
        assert torch.equal(one.batch(ROWS).x, other.batch(ROWS).x)


def test_arrays_of_vectors_are_used_as_they_are(tmp_path):
    x = np.random.default_rng(0).normal(size=(10, 5))
    path = make_arrays(
        tmp_path / "v.npz", x_train=x, y_train=np.arange(10) % 3, x_test=x, y_test=np.zeros(10)
    )
    data = Arrays(str(path), classes=3).load(CPU)
    assert data.sample_shape == (5,)
    assert torch.allclose(data.test.batch(ROWS).x, torch.tensor(x[ROWS.numpy()]).float())


def test_the_standin_has_pcams_layout_balanced_classes_and_says_what_it_is(tmp_path):
    path = Path(__file__).parents[2] / "scripts" / "make_pcam_standin.py"
    spec = importlib.util.spec_from_file_location("make_pcam_standin", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for part in ("train", "test"):
        script.write(tmp_path, part, 8, seed=0)
    data = PCam(str(tmp_path)).load(CPU)
    assert data.title == "PCam stand-in (procedural, 8 patches)"
    assert data.train.y.sum() == data.test.y.sum() == 4
    first = data.train.batch(torch.arange(8)).x
    script.write(tmp_path, "train", 8, seed=0)
    assert torch.equal(PCam(str(tmp_path)).load(CPU).train.batch(torch.arange(8)).x, first)


def test_other_data_under_the_same_configuration_is_another_run(tmp_path):
    """A run on a stand-in or a subset must never be taken for one on the published set."""
    prints = []
    for seed in (0, 1, 0):
        root = tmp_path / str(len(prints))
        make_pcam(root, seed=seed)
        prints.append(PCam(str(root)).fingerprint())
    assert prints[0] != prints[1] and prints[0] == prints[2]
    for seed, name in ((0, "a"), (1, "b"), (0, "c")):
        make_mnist(tmp_path / name, seed=seed)
    a, b, c = (SmallImages("MNIST", str(tmp_path / name)).fingerprint() for name in "abc")
    assert a != b and a == c
    one, two = image_arrays(), image_arrays()
    two["y_test"] = two["y_test"][::-1]
    files = [make_arrays(tmp_path / f"{i}.npz", **x) for i, x in enumerate((one, two, one))]
    x, y, z = (Arrays(str(path), classes=2).fingerprint() for path in files)
    assert x != y and x == z


def test_a_gallery_shows_the_rows_of_the_files_as_they_are(tmp_path):
    """What figure 4 looks up by a sample's row: not normalised, not permuted, not a copy's."""
    mnist, pcam = make_mnist(tmp_path), make_pcam(tmp_path)
    path = make_arrays(tmp_path / "mine.npz", **image_arrays(shape=(3, 20, 18)))
    channels_first = image_arrays(shape=(3, 20, 18))["x_train"].transpose(0, 2, 3, 1)
    for source, x, y in (
        (SmallImages("MNIST", str(tmp_path)), mnist["x_train"][..., None], mnist["y_train"]),
        (PCam(str(tmp_path)), pcam["x_train"], pcam["y_train"].ravel()),
        (Arrays(str(path), classes=2), channels_first, image_arrays()["y_train"]),
    ):
        shown = make_gallery(source.load(CPU))
        assert shown.points is None and shown.labels.tolist() == y.tolist()
        for row in (0, 3, 17):
            assert shown.picture(row).dtype == np.uint8
            assert np.array_equal(shown.picture(row), x[row])
