"""What a network costs on a GPU, measured before a run's clock starts."""

import statistics

import torch
from torch import Tensor, nn

_ROUNDS = 7


def milliseconds(networks: dict[str, nn.Module], x: Tensor) -> dict[str, float]:
    """Of a pass without gradients and one with, forward and backward, per network: medians.

    x: [n, *D] on CUDA. The networks take turns, after two rounds that do not count. They are in
    train mode afterwards and hold gradients: hand in copies.
    """
    found: dict[str, list[float]] = {name: [] for name in networks}
    for index in range(_ROUNDS + 2):
        for name, network in networks.items():
            began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            began.record()
            with torch.no_grad():
                network.eval()(x)
            network.train()(x).sum().backward()
            ended.record()
            ended.synchronize()
            if index >= 2:
                found[name].append(began.elapsed_time(ended))
    return {name: statistics.median(times) for name, times in found.items()}
