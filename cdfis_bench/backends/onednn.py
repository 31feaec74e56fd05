"""Forward passes without gradients on tensors in oneDNN's own layout, on a CPU.

PyTorch's max-pooling takes over half of a small network's forward pass on plain tensors, and a
quarter in channels_last; oneDNN's takes a tenth, and its convolutions need no reordering between
layers. The network reads its own weights, so the passes are always current.
"""

import torch
from torch import Tensor, nn


def use_onednn(model: nn.Module) -> None:
    """From now on `model` computes in oneDNN layout whenever no gradients are recorded.

    What its nn.Linear layers read and what it returns is dense as ever. Passes with gradients are
    not touched. Only for networks whose layers can take such tensors: see choose.py, which tries.
    """
    model.register_forward_pre_hook(_enter)
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.register_forward_pre_hook(_make_dense)
    model.register_forward_hook(_leave)


def _enter(model: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return args if torch.is_grad_enabled() else tuple(x.to_mkldnn() for x in args)


def _make_dense(layer: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(x.to_dense() if x.is_mkldnn else x for x in args)


def _leave(model: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
    return output.to_dense() if output.is_mkldnn else output
