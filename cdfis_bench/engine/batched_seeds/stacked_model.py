"""Several networks of one kind as one network with stacked weights."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from cdfis_bench.core.errors import require

# They treat every element alike, so a leading dimension changes nothing.
_ELEMENTWISE = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.Identity)


class StackedModel:
    """S networks of the same layers.

    The weights of the networks become views of the stacked weights, so that each network is always
    up to date.

    Attributes:
        parameters: The stacked weights, leaves [S, *shape], for an optimizer.
    """

    def __init__(self, models: Sequence[nn.Module]) -> None:
        """Raises UserError for networks with dropout or with running statistics."""
        self._model = models[0]
        for module in self._model.modules():
            require(
                not isinstance(module, nn.modules.dropout._DropoutNd),
                f"seeds cannot be trained at once with {type(module).__name__}, whose draws would "
                "differ from those of single runs",
            )
        require(
            not any(True for _ in self._model.buffers()),
            "seeds cannot be trained at once with layers that keep running statistics",
        )
        named = [dict(model.named_parameters()) for model in models]
        self._weights: dict[str, Tensor] = {}
        for name, first in named[0].items():
            stacked = torch.stack([weights[name].detach() for weights in named])
            self._weights[name] = stacked.requires_grad_(first.requires_grad)
            for weights, view in zip(named, stacked.detach(), strict=True):
                weights[name].data = view
        self.parameters = [w for w in self._weights.values() if w.requires_grad]

    def __call__(self, x: Tensor) -> Tensor:
        """Returns logits [S, N, C] of x [S, N, *D]; each network has its own samples."""
        if x.ndim == 3 and _is_mlp(self._model):
            return self._layer_by_layer(x)
        return vmap(lambda weights, x: functional_call(self._model, weights, (x,)))(
            self._weights, x
        )

    def _layer_by_layer(self, x: Tensor) -> Tensor:
        for name, layer in self._model.named_children():
            if not isinstance(layer, nn.Linear):
                x = layer(x)
                continue
            weight = self._weights[f"{name}.weight"].mT  # [S, H, O]
            bias = self._weights.get(f"{name}.bias")
            x = torch.bmm(x, weight) if bias is None else torch.baddbmm(bias[:, None], x, weight)
        return x


def _is_mlp(model: nn.Module) -> bool:
    """Whether the network is a sequence of Linear layers and elementwise functions."""
    return isinstance(model, nn.Sequential) and all(
        type(layer) is nn.Linear or isinstance(layer, _ELEMENTWISE) for layer in model
    )
