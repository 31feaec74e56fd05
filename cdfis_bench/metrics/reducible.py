"""The reducible loss: what a sample could still teach, noise left out."""

from torch import Tensor, nn

from cdfis_bench.core.errors import require
from cdfis_bench.core.types import Batch, Scale
from cdfis_bench.metrics.loss import Loss


def reducible_losses(losses: Tensor, irreducible: Tensor) -> Tensor:
    """L - IL: [K], negative where the network already fits a sample better than can be learned."""
    return losses - irreducible


class ReducibleLoss:
    """The loss minus what a network that never saw the sample loses on it.

    irreducible: [n] float, one entry per training sample, looked up by Batch.index; see
    engine.side_training for cross-fitted ones. Signed: for selectors that rank, or
    selector=gumbel with form exp.
    Source: Mindermann et al. 2022 (RHO-LOSS), equation 3.
    """

    signed = True
    forward_passes = 1
    backward_passes = 0

    def __init__(self, irreducible: Tensor) -> None:
        require(
            irreducible.ndim == 1 and bool(irreducible.isfinite().all()),
            f"irreducible losses of shape {tuple(irreducible.shape)} must be one finite number per "
            "training sample; train their network again",
        )
        self._irreducible = irreducible
        self._loss = Loss()

    def start(self, scale: Scale) -> None:
        """Raises UserError if there is not one irreducible loss per training sample."""
        require(
            len(self._irreducible) == scale.n_all,
            f"there are irreducible losses of {len(self._irreducible)} samples, but the training "
            f"set has {scale.n_all}; make them from the same training set",
        )

    def check(self, model: nn.Module) -> None:
        """Any classifier will do."""

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """Scores [K] float32 (float64 for a float64 network), no graph."""
        rows = batch.index.to(self._irreducible.device)
        irreducible = self._irreducible.index_select(0, rows).to(batch.y.device)
        losses = self._loss(model, batch)
        return reducible_losses(losses, irreducible.to(losses.dtype))
