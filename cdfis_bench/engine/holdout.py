"""Holdout models, trained before a run for metrics that compare with another network."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer

from cdfis_bench.core.augment import Augment, Augmenter
from cdfis_bench.core.errors import require
from cdfis_bench.core.modes import in_mode
from cdfis_bench.core.shuffled import ShuffledRows
from cdfis_bench.core.streams import drawing_from, stream
from cdfis_bench.core.types import Samples
from cdfis_bench.engine.meters.cost import CostMeter
from cdfis_bench.engine.setup import Parameters


@dataclass(frozen=True, slots=True)
class HoldoutTraining:
    """Trains networks of the run's kind; the cost is charged to the run.

    Attributes:
        make_model: Makes a network on the device, its weights from the generator.
        make_optimizer: Makes an optimizer of its parameters.
        samples: The training set.
        batch_size: Samples per training step.
        chunk_size: Samples per scoring pass.
        seed: Of the run.
        cost: The cost meter of the run.
        augment: How the samples are augmented that the networks train on, never those that they
            score.
    """

    make_model: Callable[[Generator], nn.Module]
    make_optimizer: Callable[[Parameters], Optimizer]
    samples: Samples
    batch_size: int
    chunk_size: int
    seed: int
    cost: CostMeter
    augment: Augment | None = None

    def cross_fitted_losses(self, steps: int, amortize: float = 1) -> Tensor:
        """Computes the loss of every training sample under a network not trained on it.

        The training set is halved at random; a network is trained on each half with uniform
        sampling and scores the other half, in eval mode. No data is lost to a holdout set. The same
        seed gives the same losses.

        Args:
            steps: Training steps of each network.
            amortize: Number of runs that share the cost; this one is charged its part.

        Returns:
            Losses [n], float32.

        Raises:
            UserError: If a half is smaller than a mini-batch.

        Source: Mindermann et al. 2022, section 3 (irreducible loss) and appendix (no holdout data).
        """
        n, device = len(self.samples), self.samples.index_device
        require(
            n // 2 >= self.batch_size,
            f"half of the {n} training samples is less than batch_size={self.batch_size}; lower it",
        )
        rows = torch.randperm(n, generator=stream(self.seed, "halves", device), device=device)
        halves = rows[: n // 2], rows[n // 2 :]
        losses = torch.empty(n, device=self.samples.y.device)
        cost = CostMeter(self.samples.y.device)
        with cost("score"):
            for number, (training, held_out) in enumerate((halves, halves[::-1])):
                model = self._train(training, steps, f"aside/{number}")
                cost.count_scored(steps * self.batch_size, 1, 1)
                for part in held_out.split(self.chunk_size):
                    losses[part.to(losses.device)] = self._losses(model, part)
                    cost.count_scored(len(part), 1, 0)
        self.cost.charge(cost, 1 / amortize)
        return losses

    def _train(self, rows: Tensor, steps: int, name: str) -> nn.Module:
        model = self.make_model(stream(self.seed, f"{name}/init"))
        optimizer = self.make_optimizer(model.parameters())
        order = stream(self.seed, f"{name}/order", rows.device)
        device = self.samples.y.device
        pixels = stream(self.seed, f"{name}/augment", device)
        augmenter = None if self.augment is None else Augmenter(self.augment, pixels)
        shuffled = ShuffledRows(len(rows))
        noise = stream(self.seed, f"{name}/noise", device)
        model.train()
        with drawing_from(noise):
            for _ in range(steps):
                own = rows[shuffled.next(self.batch_size, order)]
                batch = self.samples.batch(own)
                batch = batch if augmenter is None else augmenter(batch)
                optimizer.zero_grad(set_to_none=True)
                cross_entropy(model(batch.x), batch.y).backward()
                optimizer.step()
        return model

    @torch.no_grad()
    def _losses(self, model: nn.Module, rows: Tensor) -> Tensor:
        batch = self.samples.batch(rows)
        with in_mode(model, train=False):
            return cross_entropy(model(batch.x), batch.y, reduction="none")
