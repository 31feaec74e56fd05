"""Named random streams: one per purpose, so that a new selector cannot change the data order."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Generator, Tensor


def stream(seed: int, name: str, device: torch.device | str = "cpu") -> Generator:
    """The generator of the stream `name` under `seed`; others are unrelated to it."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    # 63 bits, because manual_seed takes a signed 64-bit integer.
    return Generator(device).manual_seed(int.from_bytes(digest[:8], "big") >> 1)


@dataclass(frozen=True, slots=True)
class Streams:
    """The streams of one run. Same seed = same initial weights and data order in every arm."""

    init: (
        Generator  # initial weights; on the CPU, so that every device starts from the same network
    )
    order: Generator  # order in which candidates are offered
    select: Generator  # the selector's draws
    noise: Generator  # dropout and whatever else draws inside the network


def run_streams(
    seed: int, device: torch.device, index_device: torch.device | None = None
) -> Streams:
    """All streams of the run with this seed. seed: >= 0.

    index_device: where rows of the training set are looked up; the device of the run if None.
    """
    # Draws in proportion to scores need float64, which MPS does not have.
    draws = torch.device("cpu") if device.type == "mps" else device
    return Streams(
        init=stream(seed, "init"),
        order=stream(seed, "order", index_device or device),
        select=stream(seed, "select", draws),
        noise=stream(seed, "noise", device),
    )


@contextmanager
def drawing_from(generator: Generator) -> Iterator[None]:
    """Inside, torch's default generator of that device continues `generator`.

    Outside it is as before. Layers initialise and dropout draws without taking a generator; this
    lends them one without seeding globally.
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
    """The state of a generator that `drawing_from` lends at this moment."""
    return default_generator(generator.device).get_state()


def default_generator(device: torch.device) -> Generator:
    """Torch's own generator of a device."""
    if device.type == "cuda":
        torch.cuda.init()
        return torch.cuda.default_generators[device.index or 0]
    if device.type == "mps":
        return torch.mps._get_default_mps_generator()
    return torch.default_generator
