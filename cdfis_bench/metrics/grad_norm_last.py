"""The gradient norm of the last layer, exact for that layer, with one forward pass."""

import torch
from torch import Tensor, nn

from cdfis_bench.core.errors import UserError, require
from cdfis_bench.core.logits import logits_of, loss_gradients, widened
from cdfis_bench.core.parts import Metric
from cdfis_bench.core.types import Batch
from cdfis_bench.per_sample_grad.layer_calls import CallsOf, LayerCall


class GradNormLast(Metric):
    """L2 norm of each sample's loss gradient over the last layer's weight and bias.

    ||q - y|| sqrt(||h||^2 + 1), with q = softmax(z) and the layer's input h; without a bias no + 1.
    It does not matter whether the layer is frozen.

    Source: the last-layer form of GraNd (Paul et al. 2021), as in DeepCore (Guo et al. 2022).
    """

    def check(self, model: nn.Module) -> None:
        """Raises UserError if there is no nn.Linear; whether it makes the logits is seen in use."""
        require(bool(_linears(model)), _refusal("has no nn.Linear"))

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """Returns scores [K], float32 (float64 for a float64 network), without a graph.

        Raises:
            UserError: Unless the logits are the output of an nn.Linear on [K, H], used once.
        """
        with torch.no_grad():
            with CallsOf(_linears(model)) as calls:
                logits = logits_of(model, batch.x)  # [K, C]
            last = _last_layer(calls, logits)
            inputs = widened(last.input)  # [K, H]
            at_layer = torch.linalg.vecdot(inputs, inputs)
            if last.layer.bias is not None:
                at_layer.add_(1)
            at_logits = torch.linalg.vector_norm(loss_gradients(logits, batch.y), dim=1)  # [K]
            return at_logits.mul_(at_layer.sqrt_())


def _linears(model: nn.Module) -> list[nn.Linear]:
    return [module for module in model.modules() if isinstance(module, nn.Linear)]


def _last_layer(calls: list[LayerCall], logits: Tensor) -> LayerCall:
    """The call whose output is the logits [K, C]; logits of two dimensions have a 2-D input."""
    last = calls[-1] if calls else None
    if last is None or last.output is not logits or last.version != logits._version:
        raise UserError(_refusal("does not return the output of an nn.Linear as it is"))
    if any(call.layer.weight is last.layer.weight for call in calls[:-1]):
        raise UserError(_refusal("uses the weight of its last layer more than once"))
    return last


def _refusal(reason: str) -> str:
    return (
        f"metric=grad_norm_last cannot score this network, which {reason}; "
        "use metric=grad_norm_bound or metric=grad_norm"
    )
