"""Timing of networks on a GPU, before the clock of a run starts."""

import statistics

import torch
from torch import Tensor, nn

_ROUNDS = 7
_WARMUP_ROUNDS = 2


def median_milliseconds(networks: dict[str, nn.Module], x: Tensor) -> dict[str, float]:
    """Times one scoring pass (no gradients) and one training pass (forward and backward) together.

    The networks take turns, so that a change of clock frequency affects all of them.

    Args:
        networks: Networks on CUDA by name. They end in train mode and hold gradients, so pass
            copies.
        x: Inputs [n, *D] on CUDA.

    Returns:
        The median of the rounds in milliseconds, by name.
    """
    times: dict[str, list[float]] = {name: [] for name in networks}
    for index in range(_WARMUP_ROUNDS + _ROUNDS):
        for name, network in networks.items():
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            with torch.no_grad():
                network.eval()(x)
            network.train()(x).sum().backward()
            end.record()
            end.synchronize()
            if index >= _WARMUP_ROUNDS:
                times[name].append(start.elapsed_time(end))
    return {name: statistics.median(values) for name, values in times.items()}
