"""The exact gradient norm of each candidate, for the whole large batch at once."""

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from cdfis_bench.core.errors import UserError, require
from cdfis_bench.core.parts import Metric
from cdfis_bench.core.types import Batch
from cdfis_bench.per_sample_grad import PerSampleGradError, grad_norms


class GradNorm(Metric):
    """L2 norm of each sample's loss gradient over all trainable parameters.

    Networks of linear, convolutional, normalization and embedding layers take one forward and one
    backward pass, about three times the time of metric=loss. Other networks take one vectorized
    pass per chunk_size samples and the memory of chunk_size gradients (docs/per_sample_grad.md).
    The scores do not depend on chunk_size. Dropout in train mode draws a mask per sample, as in
    training.

    Args:
        chunk_size: Samples per pass, >= 1.

    Raises:
        UserError: If chunk_size is not a positive integer.

    References:
        Knutsson et al. 2023, section 3 ("Gradient Norm Sampling").
    """

    # Paper: the authors' code takes the gradient of the last bias only (which is grad_norm_bound);
    # here: of all parameters, because that is what the text says.

    backward_passes = 1

    def __init__(self, chunk_size: int = 128) -> None:
        require(
            isinstance(chunk_size, int) and not isinstance(chunk_size, bool) and chunk_size >= 1,
            f"metric.chunk_size={chunk_size!r} must be a positive integer, the samples per pass",
        )
        self.chunk_size = chunk_size

    def check(self, model: nn.Module) -> None:
        """Checks what does not depend on the mode, which scoring_mode sets later.

        Args:
            model: The network that will be scored.

        Raises:
            UserError: If nothing is trainable, or if a BatchNorm keeps no running statistics.
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
        """Scores the candidates.

        Args:
            model: Network that returns logits [K, C].
            batch: K candidates.

        Returns:
            Scores [K] float32 (float64 for a float64 network), without a graph.

        Raises:
            UserError: If samples have no gradient of their own (BatchNorm in train mode), if
                torch.func cannot vectorize the network, or if it does not return logits [K, C].
        """
        try:
            return grad_norms(model, batch.x, batch.y, chunk_size=self.chunk_size)
        except PerSampleGradError as error:
            raise UserError(
                f"metric=grad_norm: {error}; in a run: scoring_mode=eval, or metric=grad_norm_last "
                "or grad_norm_bound"
            ) from error
