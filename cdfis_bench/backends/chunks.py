"""How many samples a forward pass should take at once on a CPU."""

import copy

import torch
from torch import Tensor, nn

# Bytes of the largest layer output. Small enough for the cache, and for the allocator to reuse
# memory: above 32 MiB glibc requests new pages for every allocation.
# Measured on one core in oneDNN's layout: 256 samples of PatchCamelyon's network take 391, 266, 178
# and 151 ms in chunks of 128, 64, 16 and 8; 1,024 samples of MNIST's take 60, 32, 23 and 26 ms in
# chunks of 1,024, 256, 128 and 64.
_MAX_OUTPUT_BYTES = 4 << 20


def cache_friendly_chunk_size(model: nn.Module, x: Tensor) -> int:
    """Samples per forward pass for which no layer output exceeds a few megabytes.

    Args:
        model: The network; a copy of it is run in eval mode.
        x: A few samples [n, *D] to try it with, n >= 1.

    Returns:
        A power of two, >= 1.
    """
    largest = x[0].numel()

    def measure(module: nn.Module, args: object, output: object) -> None:
        nonlocal largest
        if isinstance(output, Tensor):
            largest = max(largest, output.numel() // len(x))

    twin = copy.deepcopy(model).eval()
    for module in twin.modules():
        module.register_forward_hook(measure)
    with torch.no_grad():
        twin(x)
    samples = max(1, _MAX_OUTPUT_BYTES // (largest * x.element_size()))
    return 1 << (samples.bit_length() - 1)
