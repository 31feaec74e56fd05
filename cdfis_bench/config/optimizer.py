"""The optimizer of a run."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from cdfis_bench.core.errors import require_bool


def build_optimizer(
    make: Callable[..., Any], config: Mapping[str, Any], parameters: Iterable[Tensor]
) -> torch.optim.Optimizer:
    """Makes an optimizer of the parameters.

    Args:
        make: config.build.make.
        config: The option of the group `optimizer`. With `decay_norms_and_biases: false`,
            parameters of one dimension (normalization weights, biases) have no weight decay.
        parameters: What it trains.

    Raises:
        UserError: If the optimizer cannot be made of these values.
    """
    arguments = dict(config)
    key = "decay_norms_and_biases"
    everywhere = require_bool(f"optimizer.{key}", arguments.pop(key, True))
    trained = list(parameters)
    if everywhere:
        return make("optimizer", arguments, params=trained)
    groups = [
        {"params": [one for one in trained if one.ndim > 1]},
        {"params": [one for one in trained if one.ndim <= 1], "weight_decay": 0.0},
    ]
    return make("optimizer", arguments, params=[group for group in groups if group["params"]])
