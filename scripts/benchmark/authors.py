"""A loop as the paper's authors wrote theirs, from its description; not their code.

A DataLoader with a transform per item; scores by one forward pass, or by a Python loop of passes of
a single sample whose gradients keep their graph; selection by argsort and NumPy; plain Adam. The
network stays in eval mode, as theirs does after its first test.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from benchmark.timing import Work
from cdfis_bench.engine.loop import Training

Score = Callable[[nn.Module, Tensor, Tensor], np.ndarray]


class Items(Dataset):
    """One sample at a time: a point, or an image that is opened, turned into a tensor, normalised.

    Their PatchCamelyon items also open a file each, twice; here the pixels are in memory.
    """

    def __init__(self, training: Training) -> None:
        samples = training.dataset.train
        self._labels = samples.y
        self._images: Tensor | None = getattr(samples, "_images", None)
        if self._images is None:
            self._points = samples.batch(torch.arange(len(samples))).x
        else:
            even = (0.5,) * self._images.shape[-1]
            self._transform = transforms.Compose(
                [transforms.ToTensor(), transforms.Normalize(even, even)]
            )

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


def authors_step(training: Training, score: Score) -> Work:
    """One step: load K, score them, draw N by the CDF of the sorted scores, update."""
    n, model = training.batch_size, training.model
    loader = DataLoader(Items(training), batch_size=training.large_batch_size, shuffle=True)
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
