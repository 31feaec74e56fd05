"""Forward passes without gradients in oneDNN's own tensor layout, on a CPU.

PyTorch's max-pooling takes more than half of a small network's forward pass on contiguous tensors
and a quarter in channels_last; oneDNN's takes a tenth, and its convolutions need no reordering
between layers. The network's own weights are used, so the passes never see outdated ones.
"""

import torch
from torch import Tensor, nn


def use_onednn(model: nn.Module) -> None:
    """Hooks `model` so that passes without gradients run in oneDNN's layout.

    The inputs of nn.Linear layers and the outputs of the network stay dense. Passes that record
    gradients are unchanged. The layers must accept oneDNN tensors, which choose.py tests on a copy.

    Args:
        model: The network, changed in place.
    """
    model.register_forward_pre_hook(_to_onednn)
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.register_forward_pre_hook(_inputs_to_dense)
    model.register_forward_hook(_output_to_dense)


def _to_onednn(model: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return args if torch.is_grad_enabled() else tuple(x.to_mkldnn() for x in args)


def _inputs_to_dense(layer: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(x.to_dense() if x.is_mkldnn else x for x in args)


def _output_to_dense(model: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
    return output.to_dense() if output.is_mkldnn else output
