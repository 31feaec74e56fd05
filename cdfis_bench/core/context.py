"""What one training step reads: the network, the method, the random streams and the cost meter."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from cdfis_bench.core.augment import Augmenter
from cdfis_bench.core.method import Method
from cdfis_bench.core.types import Batch, Cost, Selection


@dataclass(slots=True)
class StepContext:
    """The context of the steps of one run; `step` and `progress` change from step to step.

    Attributes:
        model: The network.
        method: The parts that decide what is trained on.
        batch_size: Samples trained on per step, N.
        order: Random stream of the order of the training set.
        draws: Random stream of the selector.
        cost: Cost meter; every method below charges its phase.
        step: Number of finished steps.
        progress: Share of the budget that is spent, from 0 to 1.
        augmenter: Augments what is loaded; None for the samples as they are.
    """

    model: nn.Module
    method: Method
    batch_size: int
    order: Generator
    draws: Generator
    cost: Cost
    step: int = 0
    progress: float = 0.0
    augmenter: Augmenter | None = None

    @property
    def device(self) -> torch.device:
        """The device of the run."""
        return self.method.source.samples.y.device

    def load(self, rows: Tensor, draws: Tensor | None = None) -> Batch:
        """Returns the training samples `rows` [K], augmented; charged to the phase "load".

        Args:
            rows: int64 [K], on the device of the samples.
            draws: `Batch.draws` of an earlier presentation of these rows, for the same pixels
                again; None augments them anew.
        """
        with self.cost("load"):
            batch = self.method.source.samples.batch(rows)
            return batch if self.augmenter is None else self.augmenter(batch, draws)

    def score(self, candidates: Batch) -> Tensor:
        """Returns the scores [K] of the candidates; charged to the phase "score"."""
        metric = self.method.metric
        with self.cost("score"):
            scores = self.method.score(self.model, candidates)
        self.cost.count_scored(len(candidates), metric.forward_passes, metric.backward_passes)
        return scores

    def select(self, scores: Tensor, n: int | None = None) -> Selection:
        """Returns the selection of n (None: N) from scores [K]; charge it to the phase "select"."""
        # Drawn on the generator's device: float64 sums do not exist on every device.
        size = self.batch_size if n is None else n
        return self.method.selector(scores.to(self.draws.device), size, self.draws)

    def weight(self, selection: Selection, k: int) -> Tensor | None:
        """Returns the loss weights [N] of a selection from k samples; None stands for ones."""
        weights = self.method.weighting(selection, k)
        return None if weights is None else weights.to(self.device)
