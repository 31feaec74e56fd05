"""Inner products of the candidates' last-layer gradients, without computing the gradients."""

import torch
from torch import Tensor, nn

from cdfis_bench.core.errors import UserError, require
from cdfis_bench.core.logits import logits_of, loss_gradients, widened
from cdfis_bench.core.parts import PairwiseMetric
from cdfis_bench.core.types import Batch
from cdfis_bench.per_sample_grad.layer_calls import CallsOf


class LastLayerGram(PairwiseMetric):
    """<g_i, g_j> of the loss gradients over the last layer's weight and bias: [K, K].

    G = (E E^T) * (H H^T + 1), with E = q - onehot(y) [K, C] and the layer's inputs H [K, d];
    without a bias no + 1. The authors leave the bias out; it is part of the layer and counts here.

    Source: Hong et al. 2024 (DivBS), section 3; the product form because g_i = e_i (x) h_i.
    """

    can_be_negative = True

    def __init__(self, chunk_size: int) -> None:
        """Makes the metric; chunk_size: samples per forward pass."""
        require(
            isinstance(chunk_size, int) and chunk_size >= 1,
            f"metric.chunk_size={chunk_size!r} must be a whole number of samples, 1 or more",
        )
        self._chunk_size = chunk_size

    def check(self, model: nn.Module) -> None:
        """Raises UserError if there is no nn.Linear; whether it makes the logits is seen in use."""
        require(bool(_linears(model)), _refusal("has no nn.Linear"))

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """Returns [K, K], float32 (float64 for a float64 network), symmetric, without a graph.

        Raises:
            UserError: Unless the logits are the output of an nn.Linear on [K, d].
        """
        size = self._chunk_size
        with torch.no_grad():
            parts = [
                _factors(model, x, y)
                for x, y in zip(batch.x.split(size), batch.y.split(size), strict=True)
            ]
            at_logits, inputs = (torch.cat(factor) for factor in zip(*parts, strict=True))
            return (at_logits @ at_logits.T).mul_(inputs @ inputs.T)


def _factors(model: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """E [k, C] and H [k, d], or [k, d + 1] with a column of ones for the bias."""
    with CallsOf(_linears(model)) as calls:
        logits = logits_of(model, x)
    last = calls[-1] if calls else None
    if last is None or last.output is not logits or last.version != logits._version:
        raise UserError(_refusal("does not return the output of an nn.Linear as it is"))
    inputs = widened(last.input)
    if last.layer.bias is not None:
        inputs = torch.cat([inputs, inputs.new_ones(len(inputs), 1)], dim=1)
    return loss_gradients(logits, y), inputs


def _linears(model: nn.Module) -> list[nn.Linear]:
    return [module for module in model.modules() if isinstance(module, nn.Linear)]


def _refusal(reason: str) -> str:
    return (
        f"metric=last_layer_gram cannot compare samples by this network, which {reason}; use a "
        "metric of single samples, such as metric=grad_norm_bound"
    )
