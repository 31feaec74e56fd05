"""A validation set is a stratified part of the training set, the same for all arms of a seed."""

import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.datasets.dataset import Dataset, TensorSamples
from cdfis_bench.datasets.make_gallery import make_gallery
from cdfis_bench.datasets.subset import Subset, trained_on
from cdfis_bench.datasets.validation import hold_out, require_fraction

CPU = torch.device("cpu")


def dataset(*class_sizes: int) -> Dataset:
    y = torch.cat([torch.full((n,), label) for label, n in enumerate(class_sizes)])
    y = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(1))]
    x = torch.arange(len(y), dtype=torch.float32)[:, None].repeat(1, 2)  # a sample says its row
    samples = TensorSamples(x, y, CPU)
    return Dataset("Rows", samples, samples, len(class_sizes), (2,))


def rows(samples) -> list[int]:
    return samples.batch(torch.arange(len(samples))).x[:, 0].int().tolist()


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("seed", [0, 3])
def test_it_divides_the_training_set_by_class(fraction, seed):
    whole = dataset(30, 50, 120)
    parts = hold_out(whole, fraction, seed, least=1)
    assert parts.validation is not None
    held_out, left = rows(parts.validation), rows(parts.train)
    assert sorted(held_out + left) == list(range(200)) and left == sorted(left)
    counts = parts.validation.y.bincount(minlength=3).tolist()
    assert counts == [round(n * fraction) for n in (30, 50, 120)]
    assert parts.test is whole.test


def test_it_depends_on_the_seed_and_on_nothing_else():
    whole = dataset(40, 60)
    one = rows(hold_out(whole, 0.2, 1, least=1).validation)
    assert rows(hold_out(whole, 0.2, 1, least=64).validation) == one
    assert rows(hold_out(whole, 0.2, 2, least=1).validation) != one


def test_every_sample_is_held_out_as_often_as_any_other():
    whole = dataset(10, 30)
    held = [rows(hold_out(whole, 0.3, seed, least=1).validation) for seed in range(800)]
    counts = torch.bincount(torch.tensor(held).flatten(), minlength=40)
    # Binomial, 800 draws of 0.3: standard deviation 13; five of them.
    assert (counts - 240).abs().max() < 65


def test_without_a_fraction_nothing_changes():
    whole = dataset(4, 4)
    assert hold_out(whole, 0, 0, least=100) is whole and whole.validation is None


def test_a_part_of_a_part_is_looked_up_once():
    parts = hold_out(dataset(20, 20), 0.25, 0, least=1)
    part = trained_on(parts, torch.tensor([2, 5, 7]))
    assert isinstance(part.train, Subset) and isinstance(part.train.samples, TensorSamples)
    assert rows(part.train) == [rows(parts.train)[at] for at in (2, 5, 7)]
    assert part.validation is parts.validation
    assert make_gallery(part).labels.tolist() == part.train.y.tolist()


def test_a_class_without_samples_is_passed_over():
    assert len(hold_out(dataset(10, 0, 10), 0.2, 0, least=1).validation) == 4


@pytest.mark.parametrize(
    ("sizes", "fraction", "least", "message"),
    [
        ((100, 4), 0.1, 1, r"leaves no validation sample of class 1, which has 4; raise it"),
        ((100, 4), 0.9, 1, r"leaves no training sample of class 1, which has 4; lower it"),
        ((50, 50), 0.5, 64, r"leaves 50 of 100 training samples, fewer than large_batch_size=64"),
    ],
)
def test_what_cannot_be_divided_is_refused(sizes, fraction, least, message):
    with pytest.raises(UserError, match=message):
        hold_out(dataset(*sizes), fraction, 0, least)


@pytest.mark.parametrize("value", [-0.1, 1, 1.5, float("nan"), "0.1", True, None])
def test_what_is_no_fraction_is_refused(value):
    with pytest.raises(UserError, match=r"dataset\.validation_fraction="):
        require_fraction(value)
