"""Each augmentation against a slow reference, one image at a time."""

import pytest
import torch
from torch.nn.functional import pad

from cdfis_bench.augments.crop_flip import CropFlipAugment
from cdfis_bench.augments.dihedral import DihedralAugment
from cdfis_bench.augments.flip import FlipAugment
from cdfis_bench.core.augment import Augmenter, ImageFacts
from cdfis_bench.core.errors import UserError
from cdfis_bench.core.streams import stream
from cdfis_bench.core.types import Batch

SIDE = 6
FACTS = ImageFacts((3, SIDE, SIDE))


def images(n):
    return torch.randn(n, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(3))


def augmented(augment, x, seed=0):
    augment.setup(FACTS)
    labels = torch.zeros(len(x), dtype=torch.int64)
    batch = Batch(x.clone(), labels, torch.arange(len(x)))
    return Augmenter(augment, stream(seed, "augment"))(batch).x


def flips(image):
    return [image, image.flip(2)]


def turns(image):
    return [torch.rot90(one, k, (1, 2)) for one in flips(image) for k in range(4)]


def crops(image):
    canvas = pad(image, (2, 2, 2, 2))
    places = [(i, j) for i in range(5) for j in range(5)]
    return [one for i, j in places for one in flips(canvas[:, i : i + SIDE, j : j + SIDE])]


CASES = {
    "flip": (FlipAugment, flips),
    "dihedral": (DihedralAugment, turns),
    "crop_flip": (lambda: CropFlipAugment(pad=2), crops),
}


@pytest.mark.parametrize("name", CASES)
def test_every_image_is_an_allowed_change_of_itself_and_all_are_equally_likely(name):
    make, allowed = CASES[name]
    x = images(2000)
    counts = None
    for before, after in zip(x, augmented(make(), x), strict=True):
        same = torch.tensor([torch.equal(after, one) for one in allowed(before)])
        assert same.sum() == 1
        counts = same.long() if counts is None else counts + same
    expected = len(x) / len(counts)
    chi_square = ((counts - expected) ** 2 / expected).sum().item()
    freedom = len(counts) - 1
    assert chi_square < freedom + 5 * (2 * freedom) ** 0.5


@pytest.mark.parametrize("name", CASES)
def test_the_seed_decides_the_pixels(name):
    make, _ = CASES[name]
    x = images(50)
    assert torch.equal(augmented(make(), x), augmented(make(), x))
    assert not torch.equal(augmented(make(), x), augmented(make(), x, seed=1))


@pytest.mark.parametrize("name", CASES)
def test_a_presentation_can_be_repeated_from_its_draws(name):
    make, _ = CASES[name]
    augment, x = make(), images(50)
    augment.setup(FACTS)
    augmenter = Augmenter(augment, stream(0, "augment"))
    labels, rows = torch.zeros(50, dtype=torch.int64), torch.arange(50)
    first = augmenter(Batch(x.clone(), labels, rows))
    again = augmenter(Batch(x.clone(), labels, rows), first.draws)
    assert torch.equal(first.x, again.x)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CropFlipAugment(pad=SIDE), "augment.pad=6"),
        (lambda: CropFlipAugment(pad=-1), "augment.pad"),
        (lambda: CropFlipAugment(fill="white"), "augment.fill"),
        (lambda: FlipAugment(probability=1.5), "augment.probability"),
    ],
)
def test_bad_values_are_refused(make, message):
    with pytest.raises(UserError, match=message):
        make().setup(FACTS)
