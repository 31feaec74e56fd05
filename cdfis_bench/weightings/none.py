"""All selected samples count the same: the paper's choice."""

from cdfis_bench.core.types import Selection


class NoWeighting:
    """Weights of one: the loss is biased towards what the selector prefers; that is the method."""

    needs_probabilities = False

    def __call__(self, selection: Selection, k: int) -> None:
        """None, which stands for ones [N]."""
