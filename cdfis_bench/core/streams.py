"""Named random streams, one per purpose: a new selector cannot change the data order."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Generator, Tensor


def stream(seed: int, name: str, device: torch.device | str = "cpu") -> Generator:
    """Returns the generator of the stream `name` under `seed`, independent of other names."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    # 63 bits, because manual_seed takes a signed 64-bit integer.
    return Generator(device).manual_seed(int.from_bytes(digest[:8], "big") >> 1)


@dataclass(frozen=True, slots=True)
class Streams:
    """The streams of one run. Every arm of a seed has the same initial weights and data order.

    Attributes:
        init: Initial weights; on the CPU, so that every device starts from the same network.
        order: Order in which candidates are offered.
        select: Draws of the selector.
        noise: Dropout, and whatever else draws inside the network.
        augment: Data augmentation.
    """

    init: Generator
    order: Generator
    select: Generator
    noise: Generator
    augment: Generator


def run_streams(
    seed: int, device: torch.device, index_device: torch.device | None = None
) -> Streams:
    """Returns the streams of a run.

    Args:
        seed: Of the run, >= 0.
        device: Where the run computes.
        index_device: Where rows of the training set are looked up; None for `device`.
    """
    # Draws in proportion to scores need float64, which MPS does not have.
    draws = torch.device("cpu") if device.type == "mps" else device
    return Streams(
        init=stream(seed, "init"),
        order=stream(seed, "order", index_device or device),
        select=stream(seed, "select", draws),
        noise=stream(seed, "noise", device),
        augment=stream(seed, "augment", device),
    )


@contextmanager
def drawing_from(generator: Generator) -> Iterator[None]:
    """Context in which torch's default generator of that device continues `generator`.

    Afterwards the default generator is as it was before. Layers initialize their weights, and
    dropout draws, without taking a generator; this lends them one without seeding globally.
    """
    home = default_generator(generator.device)
    before = home.get_state()
    home.set_state(generator.get_state())
    try:
        yield
    finally:
        generator.set_state(home.get_state())
        home.set_state(before)


def state_while_lent(generator: Generator) -> Tensor:
    """Returns the state of a generator inside `drawing_from(generator)`."""
    return default_generator(generator.device).get_state()


def default_generator(device: torch.device) -> Generator:
    """Returns torch's default generator of a device."""
    if device.type == "cuda":
        torch.cuda.init()
        return torch.cuda.default_generators[device.index or 0]
    if device.type == "mps":
        return torch.mps._get_default_mps_generator()
    return torch.default_generator
