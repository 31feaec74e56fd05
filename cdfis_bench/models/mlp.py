"""The multi-layer perceptron of the Two Circles experiments."""

from itertools import pairwise

from torch import nn

from cdfis_bench.core.errors import require

LARGEST_SIZE = 1_000_000


def mlp(sizes: list[int]) -> nn.Sequential:
    """Linear layers with ReLU between them; output: logits.

    Args:
        sizes: Length of a sample, sizes of the hidden layers, number of classes. [2, 50, 2] is the
            paper's network of 252 weights.

    Returns:
        The network: [K, sizes[0]] -> [K, sizes[-1]].

    Raises:
        UserError: If there are fewer than two sizes, or one is not an integer above 0.

    Source: Knutsson et al. 2023, section 5.2.
    """
    require(
        isinstance(sizes, list | tuple)
        and len(sizes) >= 2
        and all(type(size) is int and 1 <= size <= LARGEST_SIZE for size in sizes),
        f"model.sizes={sizes} must be at least two whole numbers up to a million, input first, "
        "classes last",
    )
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])  # no ReLU after the logits
