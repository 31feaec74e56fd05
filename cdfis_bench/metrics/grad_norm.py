"""The exact gradient norm of each candidate, for the whole large batch at once."""

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from cdfis_bench.core.errors import require
from cdfis_bench.core.parts import Metric
from cdfis_bench.core.types import Batch
from cdfis_bench.per_sample_grad.by_layer import norms_by_layer
from cdfis_bench.per_sample_grad.by_vmap import norms_by_sample
from cdfis_bench.per_sample_grad.linear_chain import norms_of_chain


class GradNorm(Metric):
    """L2 norm of each sample's loss gradient over all trainable parameters; frozen ones not.

    Networks whose trained layers have a rule (layer_rules.py: linear, convolutional,
    normalising and embedding layers), each used once, take one forward and one backward pass, for
    some three times the price of metric=loss. Others take one
    vectorised pass per chunk_size samples, with the memory of chunk_size gradients. The scores do
    not depend on chunk_size.
    Dropout in train mode draws a mask per sample, as in training.
    Source: Knutsson et al. 2023, section 3 ("Gradient Norm Sampling").
    """

    # Paper: the authors' code takes the gradient of the last bias only (which is grad_norm_bound);
    # here: of all parameters, because that is what the text says.

    backward_passes = 1

    def __init__(self, chunk_size: int = 128) -> None:
        require(
            isinstance(chunk_size, int) and not isinstance(chunk_size, bool) and chunk_size >= 1,
            f"metric.chunk_size={chunk_size!r} must be a whole number of samples, 1 or more",
        )
        self.chunk_size = chunk_size

    def check(self, model: nn.Module) -> None:
        """Raises UserError if nothing trains, or if BatchNorm keeps no running statistics.

        The mode is not looked at: the network is scored later, in the mode of scoring_mode.
        """
        require(
            any(parameter.requires_grad for parameter in model.parameters()),
            "metric=grad_norm needs a network with at least one trainable parameter",
        )
        require(
            not any(isinstance(m, _BatchNorm) and m.running_mean is None for m in model.modules()),
            "metric=grad_norm cannot score a BatchNorm with track_running_stats=False, which mixes "
            "the samples in every mode; use metric=loss or metric=grad_norm_bound",
        )

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """Scores [K] float32 (float64 for a float64 network), no graph.

        Raises UserError if samples have no gradient of their own (BatchNorm in train mode), if
        torch.func cannot handle the network, or if it does not return logits [K, C].
        """
        scores = norms_of_chain(model, batch)
        if scores is None:
            scores = norms_by_layer(model, batch, self.chunk_size)
        return norms_by_sample(model, batch, self.chunk_size) if scores is None else scores
