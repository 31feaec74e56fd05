"""A loop as the paper's authors wrote theirs, from its description; not their code.

A DataLoader with a transform per item; scores by one forward pass, or by a Python loop of passes of
a single sample whose gradients keep their graph; selection by argsort and NumPy; plain Adam. The
network stays in eval mode, as theirs does after its first test.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.datasets import PCAM

from benchmark.ours import large_batch_size
from benchmark.timing import Work
from cdfis_bench.engine.setup import RunSetup

Score = Callable[[nn.Module, Tensor, Tensor], np.ndarray]


def items_of(training: RunSetup, folder: Path) -> Dataset:
    """The training set as they read it: PatchCamelyon through torchvision, which opens its files
    anew for every patch and every label, anything else from memory.

    folder: where the files of the patches are written.
    """
    samples = training.dataset.train
    if training.dataset.sample_shape != (3, 96, 96):
        return Items(training)
    (folder / "pcam").mkdir(exist_ok=True)
    patches, labels = samples._images.numpy(), samples.y.numpy().reshape(-1, 1, 1, 1)  # type: ignore[attr-defined]
    for key, values in (("x", patches), ("y", labels)):
        path = folder / "pcam" / f"camelyonpatch_level_2_split_train_{key}.h5"
        with h5py.File(path, "w") as file:
            file.create_dataset(key, data=values)
    return PCAM(str(folder), split="train", transform=_transform(3))


def _transform(channels: int) -> transforms.Compose:
    even = (0.5,) * channels
    return transforms.Compose([transforms.ToTensor(), transforms.Normalize(even, even)])


class Items(Dataset):
    """One sample at a time: a point, or an image turned into a tensor and normalised."""

    def __init__(self, training: RunSetup) -> None:
        samples = training.dataset.train
        self._labels = samples.y
        self._images: Tensor | None = getattr(samples, "_images", None)
        if self._images is None:
            self._points = samples.batch(torch.arange(len(samples))).x
        else:
            self._transform = _transform(self._images.shape[-1])

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        if self._images is None:
            return self._points[row], int(self._labels[row])
        pixels = self._images[row].numpy()
        image = Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)
        return self._transform(image), int(self._labels[row])


def loss_scores(model: nn.Module, x: Tensor, y: Tensor) -> np.ndarray:
    with torch.no_grad():
        return cross_entropy(model(x), y, reduction="none").cpu().numpy()


def last_bias_norms(model: nn.Module, x: Tensor, y: Tensor) -> np.ndarray:
    """Their "gradient norm": of the last parameter, which is the bias of the output layer."""
    return _norms_one_by_one(model, x, y, list(model.parameters())[-1:])


def all_weights_norms(model: nn.Module, x: Tensor, y: Tensor) -> np.ndarray:
    """The gradient norm that the paper's text describes, by the same loop."""
    return _norms_one_by_one(model, x, y, list(model.parameters()))


def _norms_one_by_one(
    model: nn.Module, x: Tensor, y: Tensor, parameters: list[nn.Parameter]
) -> np.ndarray:
    norms = np.zeros(len(y), dtype=np.float32)
    for i in range(len(y)):
        loss = cross_entropy(model(x[i : i + 1]), y[i : i + 1])
        gradients = torch.autograd.grad(loss, parameters, create_graph=True)
        norms[i] = torch.cat([g.reshape(-1) for g in gradients]).norm().item()
    return norms


def authors_step(training: RunSetup, score: Score, folder: Path) -> Work:
    """One step: load K, score them, draw N by the CDF of the sorted scores, update.

    folder: see items_of.
    """
    n, model = training.batch_size, training.model
    items = items_of(training, folder)
    loader = DataLoader(items, batch_size=large_batch_size(training), shuffle=True)
    batches = _endless(loader)
    optimizer = torch.optim.Adam(model.parameters())
    draws = np.random.default_rng(0)
    model.eval()

    def work() -> None:
        x, y = next(batches)
        picked = torch.from_numpy(_pick(score(model, x, y), n, draws))
        optimizer.zero_grad()
        cross_entropy(model(x[picked]), y[picked]).backward()
        optimizer.step()

    return work


def _pick(scores: np.ndarray, n: int, draws: np.random.Generator) -> np.ndarray:
    order = np.argsort(-scores)
    cumulated = np.cumsum(scores[order] / scores.sum())
    places = np.searchsorted(cumulated, draws.random(n))
    return order[places[places < len(order)]]  # rounding may leave the last place beyond the end


def _endless(loader: DataLoader) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        yield from loader
