"""Writes files in PatchCamelyon's exact layout whose patches are procedural, not tissue.

    python scripts/make_pcam_standin.py ROOT [--train 4096] [--valid 512] [--test 1024] [--seed 0]

For machines without the data: it exercises the same code, sizes and formats. A patch takes about
2.5 ms on one core, and the published size (--train 262144) a quarter of an hour. A
patch is a pink background with fat holes and purple nuclei; it is labelled 1 if large, dark,
crowded nuclei reach into its central 32 x 32 pixels, as a PCam patch is if its centre holds tumour.
Some patches of class 0 carry such nuclei near the border, and contrast varies, so that some are
hard. The files are marked, and every run and figure on them says "stand-in".
"""

import argparse
from pathlib import Path

import h5py
import numpy as np

SIDE, CENTRE = 96, 32
PARTS = ("train", "valid", "test")
MARK = "procedural stand-in"  # read by cdfis_bench/datasets/pcam.py


def discs(rng: np.random.Generator, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Coverage [SIDE, SIDE] in 0..1 of slightly elongated soft discs. centres: [n, 2] pixels."""
    if not len(radii):
        return np.zeros((SIDE, SIDE), np.float32)
    half = int(np.ceil((radii.max() + 4) / 0.7))  # beyond it a disc covers less than one grey value
    near = ((centres > -half) & (centres < SIDE - 1 + half)).all(axis=1)
    centres, radii = centres[near], radii[near]
    corners = np.rint(centres).astype(int)
    # Each disc in its own window, all windows at once.
    along = np.arange(-half, half + 1) + (corners - centres)[..., None]  # [n, 2, window]
    stretch = rng.uniform(0.7, 1.4, len(radii))[:, None]
    rows, columns = along[:, 0] * stretch, along[:, 1] / stretch
    distance = np.hypot(rows[:, :, None], columns[:, None, :], dtype=np.float32)
    windows = (1 - np.tanh(distance - radii[:, None, None].astype(np.float32))) / 2
    canvas = np.zeros((SIDE + 4 * half, SIDE + 4 * half), np.float32)
    for window, (row, column) in zip(windows, corners + half, strict=True):
        place = canvas[row : row + 2 * half + 1, column : column + 2 * half + 1]
        np.maximum(place, window, out=place)
    return canvas[2 * half : 2 * half + SIDE, 2 * half : 2 * half + SIDE]


def smooth_noise(rng: np.random.Generator, cells: int) -> np.ndarray:
    """Smooth noise [SIDE, SIDE] about 0, made of `cells` x `cells` random values."""
    coarse = rng.normal(size=(cells + 1, cells + 1)).astype(np.float32)
    at = np.linspace(0, cells - 1e-3, SIDE)
    low, part = at.astype(int), (at - at.astype(int))[:, None].astype(np.float32)
    along = coarse[low] * (1 - part) + coarse[low + 1] * part
    return along[:, low] * (1 - part.T) + along[:, low + 1] * part.T


def patch(rng: np.random.Generator, label: int) -> np.ndarray:
    """One patch uint8 [SIDE, SIDE, 3] of class `label`."""
    stain = rng.uniform(0.6, 1.1)
    image = np.array([0.86, 0.66, 0.80], np.float32) + 0.05 * smooth_noise(rng, 6)[..., None]
    image = image * np.ones((SIDE, SIDE, 1), np.float32)

    def paint(cover: np.ndarray, colour: tuple[float, float, float]) -> None:
        nonlocal image
        image = image * (1 - cover[..., None]) + np.array(colour, np.float32) * cover[..., None]

    fat = rng.poisson(rng.choice([0.3, 3]))
    paint(discs(rng, rng.uniform(0, SIDE, (fat, 2)), rng.uniform(8, 20, fat)), (0.95, 0.93, 0.95))
    normal = rng.poisson(rng.choice([10, 40]))
    paint(
        discs(rng, rng.uniform(0, SIDE, (normal, 2)), rng.uniform(2, 3.2, normal)), (0.45, 0.3, 0.6)
    )

    crowd = rng.integers(8, 20)
    spread = rng.uniform(5, 10)
    if label:
        middle = SIDE / 2 + rng.uniform(-CENTRE / 2, CENTRE / 2, 2)
    elif rng.random() < 0.4:  # hard: such nuclei, but outside the centre
        middle = rng.uniform(0, SIDE, 2)
        middle[rng.integers(2)] = rng.choice([4, SIDE - 4])
        spread = rng.uniform(3, 6)
    else:
        crowd = 0
    if crowd:
        centres = middle + rng.normal(scale=spread, size=(crowd, 2))
        if not label:  # keep clear of the centre, which decides
            apart = np.abs(centres - SIDE / 2).max(axis=1) > CENTRE / 2 + 7
            centres = centres[apart]
        dark = np.array([0.36, 0.2, 0.5]) + rng.uniform(-0.05, 0.15)
        paint(discs(rng, centres, rng.uniform(4, 6, len(centres))), tuple(dark))
    grain = 0.02 * rng.standard_normal(image.shape, np.float32)
    image = 1 - (1 - image) * np.float32(stain) + grain
    return (image.clip(0, 1) * 255).astype(np.uint8)


def write(root: Path, part: str, n: int, seed: int) -> None:
    folder = root / "pcam"
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, n, PARTS.index(part)])
    labels = rng.permutation(np.arange(n) % 2).astype(np.uint8)
    stem = folder / f"camelyonpatch_level_2_split_{part}"
    with h5py.File(f"{stem}_x.h5", "w") as x, h5py.File(f"{stem}_y.h5", "w") as y:
        x.attrs[MARK] = y.attrs[MARK] = True
        rows = x.create_dataset(
            "x", (n, SIDE, SIDE, 3), np.uint8, chunks=(1, SIDE, SIDE, 3), compression="gzip"
        )
        for row, label in enumerate(labels):
            rows[row] = patch(rng, label)
        y.create_dataset("y", data=labels.reshape(n, 1, 1, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, help="the folder that will hold pcam/")
    for part, n in (("train", 4096), ("valid", 512), ("test", 1024)):
        parser.add_argument(f"--{part}", type=int, default=n, help="patches")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for part in PARTS:
        write(options.root, part, getattr(options, part), options.seed)


if __name__ == "__main__":
    main()
