"""What goes into and comes out of chosen layers of a network during one forward pass."""

from collections.abc import Iterable
from typing import NamedTuple

from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.utils.hooks import RemovableHandle


class LayerCall(NamedTuple):
    """One use of one layer."""

    layer: nn.Module
    input: Tensor  # no graph
    output: Tensor
    version: int  # of the output when it left the layer; in-place changes raise it
    edge: GradientEdge | None  # where the output's gradient arrives; None outside of a graph


class CallsOf:
    """Context that gives a list and fills it with the calls of `layers`, in order, until it ends.

    A class, because a generator-based context costs a tenth of a Two Circles forward pass more.
    """

    def __init__(self, layers: Iterable[nn.Module]) -> None:
        self._layers = layers
        self._calls: list[LayerCall] = []
        self._hooks: list[RemovableHandle] = []

    def __enter__(self) -> list[LayerCall]:
        # Ours first, so that other people's hooks cannot replace the output before it is seen.
        self._hooks = [
            layer.register_forward_hook(self._note, prepend=True, with_kwargs=True)
            for layer in self._layers
        ]
        return self._calls

    def __exit__(self, *reason: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _note(
        self,
        layer: nn.Module,
        args: tuple[Tensor, ...],
        kwargs: dict[str, Tensor],
        output: Tensor,
    ) -> None:
        entered = (args[0] if args else kwargs["input"]).detach()
        # Taken now: an in-place ReLU behind the layer would make the output its own.
        edge = get_gradient_edge(output) if output.requires_grad else None
        self._calls.append(LayerCall(layer, entered, output, output._version, edge))
