"""Squared per-sample gradient norms of single layers, from what went in and the gradient behind.

A rule takes (layer, trained, entered, at_output): the layer, the names of its parameters that
train, its input [K, ...] and the loss gradient at its output [K, ...]. It returns [K] in float32,
or float64 where the gradient has it: the sum of squares over those parameters.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from cdfis_bench.metrics.conv_gradients import weight_squares
from cdfis_bench.metrics.logits import widened

Rule = Callable[[nn.Module, set[str], Tensor, Tensor], Tensor]


def linear(layer: nn.Module, trained: set[str], entered: Tensor, at_output: Tensor) -> Tensor:
    """entered [K, H], at_output [K, O]: the weight's gradient is the outer product of their rows.

    Hence ||g||^2 (||a||^2 + 1), where ||a||^2 stands for the weight and 1 for the bias.
    Source: Goodfellow 2015 (arXiv 1510.01799).
    """
    at_output = widened(at_output)
    squares = torch.linalg.vecdot(at_output, at_output)
    if "weight" not in trained:
        return squares
    entered = widened(entered)
    inputs = torch.linalg.vecdot(entered, entered)
    return squares * (inputs.add_(1) if "bias" in trained else inputs)


def convolution(layer: nn.Module, trained: set[str], entered: Tensor, at_output: Tensor) -> Tensor:
    """entered [K, C, H, W], at_output [K, O, h, w]; the weight's gradients are computed."""
    assert isinstance(layer, nn.Conv2d)
    at_output = widened(at_output)
    squares = at_output.new_zeros(len(at_output))
    if "weight" in trained:
        squares += weight_squares(layer, widened(entered), at_output)
    if "bias" in trained:
        squares += at_output.sum((2, 3)).square_().sum(1)
    return squares


# By exact type: a subclass may compute something else. With the dimensions of the input for which
# the rule holds.
RULES: dict[type[nn.Module], tuple[Rule, int]] = {
    nn.Linear: (linear, 2),
    nn.Conv2d: (convolution, 4),
}
