"""The inputs and outputs of chosen layers during one forward pass, captured by hooks."""

from collections.abc import Iterable
from typing import NamedTuple

from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.utils.hooks import RemovableHandle


class LayerCall(NamedTuple):
    """One call of one layer."""

    layer: nn.Module
    input: Tensor
    """The first argument, detached."""
    output: Tensor
    version: int
    """Version of the output when the layer returned it; in-place changes raise it."""
    edge: GradientEdge | None
    """The autograd edge that receives the output's gradient; None without a graph."""


class CallsOf:
    """Context manager for a list that collects the calls of some layers, in order.

    A class because a generator-based context manager costs another tenth of a Two Circles forward
    pass.

    Args:
        layers: The layers to hook. The hooks are removed when the context ends.
    """

    def __init__(self, layers: Iterable[nn.Module]) -> None:
        self._layers = layers
        self._calls: list[LayerCall] = []
        self._hooks: list[RemovableHandle] = []

    def __enter__(self) -> list[LayerCall]:
        # Prepended, so that no other hook can replace the output before it is captured.
        self._hooks = [
            layer.register_forward_hook(self._append, prepend=True, with_kwargs=True)
            for layer in self._layers
        ]
        return self._calls

    def __exit__(self, *exception: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _append(
        self,
        layer: nn.Module,
        args: tuple[Tensor, ...],
        kwargs: dict[str, Tensor],
        output: Tensor,
    ) -> None:
        inputs = (args[0] if args else kwargs["input"]).detach()
        # Taken now: after an in-place ReLU the output's grad_fn would be that of the ReLU.
        edge = get_gradient_edge(output) if output.requires_grad else None
        self._calls.append(LayerCall(layer, inputs, output, output._version, edge))
