"""Drawing from the whole training set, by a score that is stored for each sample."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from cdfis_bench.core.context import StepContext
from cdfis_bench.core.errors import require
from cdfis_bench.core.parts import (
    DatasetMetric,
    IndependentSelector,
    ReorderingSource,
    WholeDatasetSelector,
)
from cdfis_bench.core.types import MiniBatch, Samples, ScoreStatistics, Selection

_STEPS_AT_ONCE = 32  # whose draws are made together: they are ten small operations a step otherwise


class DatasetSource(ReorderingSource):
    """N independent draws from all n training samples; nothing is scored, only N are loaded.

    The sampling distribution comes from a WholeDatasetSelector, or is made by an
    IndependentSelector from the scores that a DatasetMetric stores. It stays as it is for
    `rebuild_every` steps: making it costs O(n), a step with it O(N log n). Within that time the
    probabilities are exact, so weighting=unbiased stays unbiased.

    Source: the common frame of Loshchilov and Hutter 2015, Liu et al. 2020 and Johnson and Guestrin
    2018. Rebuilding the distribution every few steps, instead of keeping a tree, is ours.
    """

    draws_from_dataset = True

    def __init__(
        self,
        samples: Samples,
        large_batch_size: int,
        batch_size: int,
        rebuild_every: int | None = None,
    ) -> None:
        """Makes the source.

        Args:
            samples: The training set.
            large_batch_size: Not used.
            batch_size: N.
            rebuild_every: Steps between two distributions; None for a quarter of an epoch.
        """
        super().__init__(samples, large_batch_size, batch_size)
        require(
            rebuild_every is None or (isinstance(rebuild_every, int) and rebuild_every >= 1),
            f"source.rebuild_every={rebuild_every!r} must be a whole number of steps, 1 or more, "
            "or null",
        )
        self._every = rebuild_every or max(1, len(samples) // (4 * batch_size))
        self._age = 0  # steps since the distribution was made
        self._unnormalized: Tensor | None = None  # [n] float64
        self._cumulative: Tensor | None = None  # [n] float64
        self._fallback: Tensor | None = None  # [] bool
        self._scores: Tensor | None = None  # [n] that the distribution was made from
        self._statistics: ScoreStatistics | None = None  # of these scores
        self._drawn: tuple[Tensor, Tensor] | None = None  # rows and probabilities of the next steps

    def mini_batch(self, context: StepContext) -> MiniBatch:
        """N draws by the present distribution."""
        with context.cost("select"):
            is_new = self._unnormalized is None or self._age >= self._every
            if is_new:
                self._rebuild(context)
            selection = self._next(context)
            weights = context.weight(selection, len(self.samples))
        batch = context.load(selection.indices.to(self.samples.index_device))
        return MiniBatch(
            batch,
            weights,
            loaded=len(batch),
            selection=selection,
            scores=self._scores,
            score_statistics=self._statistics,
            is_new_selection=is_new,
        )

    def _rebuild(self, context: StepContext) -> None:
        """Makes the distribution anew: O(n)."""
        metric, selector = context.method.metric, context.method.selector
        if isinstance(selector, WholeDatasetSelector):
            self._unnormalized = self._scores = selector.distribution().to(context.draws.device)
            self._fallback = torch.zeros((), dtype=torch.bool, device=self._unnormalized.device)
        else:
            assert isinstance(metric, DatasetMetric), "check_fit comes first"
            assert isinstance(selector, IndependentSelector), "check_fit comes first"
            self._scores = metric.table().to(context.draws.device)
            found = selector.unnormalized_probabilities(self._scores)
            self._unnormalized, self._fallback = found
        self._statistics = ScoreStatistics.of(self._scores)
        self._cumulative = self._unnormalized.cumsum(0)
        self._age = 0

    def _next(self, context: StepContext) -> Selection:
        """The draws of this step."""
        place = self._age % _STEPS_AT_ONCE
        if place == 0:
            self._draw(min(_STEPS_AT_ONCE, self._every - self._age), context)
        assert self._drawn is not None and self._fallback is not None
        rows, probabilities = (of_steps[place] for of_steps in self._drawn)
        self._age += 1
        return Selection(rows, self._unnormalized, self._fallback, draw_probabilities=probabilities)

    def _draw(self, steps: int, context: StepContext) -> None:
        """Draws rows [steps, N] by inverse-transform sampling.

        With right=True, so that a sample of probability zero is never drawn.
        """
        assert self._cumulative is not None and self._unnormalized is not None
        total = self._cumulative[-1]
        u = torch.rand(
            (steps, self.batch_size),
            dtype=torch.float64,
            device=total.device,
            generator=context.draws,
        )
        rows = torch.searchsorted(self._cumulative, u * total, right=True)
        # u * total may round up to the total itself.
        rows = rows.clamp_(max=len(self._cumulative) - 1)
        self._drawn = rows, self._unnormalized[rows] / total

    def state_dict(self) -> dict[str, Any]:
        """The shuffled order, the present distribution, and the draws made ahead."""
        return {
            **super().state_dict(),
            "age": self._age,
            "unnormalized": self._unnormalized,
            "fallback": self._fallback,
            "scores": self._scores,
            "drawn": self._drawn,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues with the stored distribution."""
        super().load_state_dict(state)
        self._age, self._fallback = state["age"], state["fallback"]
        self._unnormalized, self._drawn = state["unnormalized"], state["drawn"]
        self._scores = state["scores"]
        if self._unnormalized is not None and self._scores is not None:
            self._cumulative = self._unnormalized.cumsum(0)
            self._statistics = ScoreStatistics.of(self._scores)
