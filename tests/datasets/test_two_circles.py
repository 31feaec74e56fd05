"""Two Circles: the geometry that the paper describes."""

import math

import pytest
import torch

from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import stream
from cdfis_bench.datasets.two_circles import TwoCircles, draw_points
from cdfis_bench.datasets.two_circles_geometry import CENTRES, RADIUS

CPU = torch.device("cpu")


def test_discs_are_disjoint_equal_inside_the_square_and_hold_half_of_it():
    (ax, ay), (bx, by) = CENTRES
    assert math.dist((ax, ay), (bx, by)) > 2 * RADIUS
    assert all(-1 + RADIUS < c < 1 - RADIUS for c in (ax, ay, bx, by))
    assert 2 * math.pi * RADIUS**2 == pytest.approx(0.5 * 4)
    assert RADIUS / 2 == pytest.approx(0.28209, abs=1e-5)  # in a unit square


def test_labels_are_the_float64_geometry():
    x, y = draw_points(20_000, stream(0, "points"))
    distance = torch.cdist(x.double(), torch.tensor(CENTRES, dtype=torch.float64))
    margin = (distance - RADIUS).abs().amin(1)
    clear = margin > 1e-6  # closer points may round either way in float32
    assert torch.equal(y[clear].bool(), (distance < RADIUS).any(1)[clear])


def test_classes_are_equally_likely_and_points_uniform():
    x, y = draw_points(100_000, stream(0, "points"))
    assert abs(y.double().mean() - 0.5) < 0.01
    cells = torch.bincount((x * 2 + 2).long() @ torch.tensor([4, 1]), minlength=16)
    assert (cells / 100_000 - 1 / 16).abs().max() < 0.004


def test_points_are_the_same_in_every_run_and_train_differs_from_test():
    a, b = (TwoCircles(500, 500).load(CPU) for _ in range(2))
    assert torch.equal(a.train.x, b.train.x) and torch.equal(a.test.x, b.test.x)
    assert not torch.equal(a.train.x, a.test.x)
    assert not torch.equal(a.train.x, TwoCircles(500, 500, data_seed=1).load(CPU).train.x)


def test_default_sizes():
    data = TwoCircles().load(CPU)
    assert (len(data.train), len(data.test), data.n_classes) == (50_000, 10_000, 2)


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ({}, "Two Circles"),
        ({"train_size": 2048}, "Two Circles (2,048 points)"),
        ({"data_seed": 3}, "Two Circles (data seed 3)"),
        ({"test_size": 64}, "Two Circles (64 test points)"),
        ({"train_size": 9, "data_seed": 1}, "Two Circles (9 points, data seed 1)"),
    ],
)
def test_other_points_have_another_title(values, title):
    assert TwoCircles(**values).load(CPU).title == title


@pytest.mark.parametrize("seed", [-1, 1.5, True, float("nan"), [1], None, "", 2**70])
def test_a_data_seed_is_a_whole_number(seed):
    with pytest.raises(UserError, match=r"dataset\.data_seed"):
        TwoCircles(data_seed=seed)


@pytest.mark.parametrize("size", [0, -5, 1.5, "many", True, 10**23])
def test_impossible_sizes_are_refused(size):
    with pytest.raises(UserError, match=r"dataset\.train_size"):
        TwoCircles(train_size=size)
