"""Presampling: the candidates are the next samples of a shuffled training set."""

from cdfis_bench.core.errors import require
from cdfis_bench.core.parts import Source
from cdfis_bench.core.types import Samples


def require_candidates(large_batch_size: int, samples: Samples) -> None:
    """Raises UserError if the training set has less than K samples."""
    require(
        large_batch_size <= len(samples),
        f"large_batch_size={large_batch_size} exceeds the training set of {len(samples)} "
        "samples; lower it",
    )


class PresampleSource(Source):
    """The next K samples of the shuffled training set are scored, and N of them selected.

    Source: Knutsson et al. 2023, section 4.1.
    """

    def __init__(self, samples: Samples, large_batch_size: int, batch_size: int) -> None:
        """Raises UserError if the training set has less than K samples."""
        super().__init__(samples, large_batch_size, batch_size)
        require_candidates(large_batch_size, samples)
