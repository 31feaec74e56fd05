"""The three settings: data in memory, built by the product's own code."""

from dataclasses import dataclass

import torch
from hydra import compose, initialize_config_dir

from cdfis_bench.config.build import build
from cdfis_bench.config.schema import read_config, resolve
from cdfis_bench.config.where import conf_dir
from cdfis_bench.datasets.dataset import Dataset
from cdfis_bench.datasets.images import ImageSamples
from cdfis_bench.engine.setup import RunSetup

CPU = torch.device("cpu")
DATA = ("two_circles", "mnist", "pcam")
# Image side, channels, classes, training images: enough for one large batch of the greatest K.
_IMAGES = {"mnist": (28, 1, 10, 16_384), "pcam": (96, 3, 2, 1_024)}


@dataclass(frozen=True, slots=True)
class Setting:
    """Which data, and how much of it a step takes."""

    data: str
    k: int = 1024
    n: int = 128

    @property
    def images(self) -> bool:
        return self.data in _IMAGES

    def __str__(self) -> str:
        return f"K={self.k}, N={self.n}"


class RandomImages:
    """Random pixels and labels in the shape of a published set: dense layers cost the same."""

    def __init__(self, data: str) -> None:
        self._side, self._channels, self._classes, self._n = _IMAGES[data]

    def fingerprint(self) -> str:
        return "random"

    def load(self, device: torch.device) -> Dataset:
        generator = torch.Generator().manual_seed(0)
        side, channels, classes, n = self._side, self._channels, self._classes, self._n
        shape = (n, side, side, channels)
        pixels = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
        y = torch.randint(0, classes, (n,), generator=generator)
        even = (0.5,) * channels
        samples = ImageSamples(pixels, y, even, even, device)
        return Dataset("random pixels", samples, samples, classes, (channels, side, side))


def training(setting: Setting, *overrides: str) -> RunSetup:
    """What `python -m cdfis_bench <overrides>` would train, gate open, on this data."""
    chosen = [
        f"dataset={setting.data}",
        f"large_batch_size={setting.k}",
        f"batch_size={setting.n}",
        "threshold=always",
        "tracker=none",
        "device=cpu",
        *overrides,
    ]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        config = resolve(compose("config", chosen))
    if setting.images:
        config["dataset"] = {
            "name": setting.data,
            "_target_": "benchmark.setups.RandomImages",
            "data": setting.data,
        }
    return build(read_config(config), CPU)
