"""Drawing from the whole training set, by what is remembered of each sample."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor

from cdfis_bench.core.errors import require
from cdfis_bench.core.types import Chosen, Parts, Samples, Selection
from cdfis_bench.sources.shuffled import ShuffledRows

_AHEAD = 32  # steps whose draws are made at once: ten small operations, a tenth of a small step


class DatasetSource:
    """N independent draws from all n training samples; nothing is scored, only N are loaded.

    The law of the draws is made of the metric's memory by the selector's `masses`, and stays as it
    is for rebuild_every steps (null: a quarter of an epoch): making it costs O(n), which is O(N) a
    step then, and a step with it O(N log n). Within that time the probabilities are exact, so
    weighting=unbiased stays unbiased.
    Source: the common frame of Loshchilov and Hutter 2015, Liu et al. 2020 and Johnson and Guestrin
    2018; rebuilding now and then instead of a tree is ours.
    """

    kind = "law"

    def __init__(
        self,
        samples: Samples,
        large_batch_size: int,
        batch_size: int,
        rebuild_every: int | None = None,
    ) -> None:
        require(
            rebuild_every is None or (isinstance(rebuild_every, int) and rebuild_every >= 1),
            f"source.rebuild_every={rebuild_every!r} must be a whole number of steps, 1 or more, "
            "or null",
        )
        self._samples = samples
        self._rows = ShuffledRows(len(samples))
        self._n = batch_size
        self._every = rebuild_every or max(1, len(samples) // (4 * batch_size))
        self._age = 0  # steps since the law was made
        self._masses: Tensor | None = None  # [n] float64
        self._cumulative: Tensor | None = None  # [n] float64
        self._fallback: Tensor | None = None  # [] bool
        self._drawn: tuple[Tensor, Tensor] | None = None  # rows and chances of the next steps

    def choose(self, selecting: bool, order: Generator, parts: Parts) -> Chosen:
        if not selecting:
            with parts.cost("load"):
                batch = self._samples.batch(self._rows.next(self._n, order))
            return Chosen(batch, offered=batch.index, loaded=len(batch))
        with parts.cost("select"):
            if self._masses is None or self._age >= self._every:
                self._rebuild(parts)
            selection = self._next(parts)
            weights = parts.weighting(selection, len(self._samples))
        with parts.cost("load"):
            batch = self._samples.batch(selection.indices.to(self._samples.index_device))
        weights = None if weights is None else weights.to(batch.y.device)
        return Chosen(batch, weights, offered=None, loaded=len(batch), selection=selection)

    def _rebuild(self, parts: Parts) -> None:
        scores = parts.metric.table().to(parts.generator.device)  # type: ignore[attr-defined]
        self._masses, self._fallback = parts.selector.masses(scores)  # type: ignore[attr-defined]
        self._cumulative = self._masses.cumsum(0)
        self._age = 0

    def _next(self, parts: Parts) -> Selection:
        """The draws of this step."""
        assert self._fallback is not None
        place = self._age % _AHEAD
        if place == 0:
            self._draw(min(_AHEAD, self._every - self._age), parts)
        assert self._drawn is not None
        rows, chances = (of_steps[place] for of_steps in self._drawn)
        self._age += 1
        return Selection(rows, self._masses, self._fallback, of_draws=chances)

    def _draw(self, steps: int, parts: Parts) -> None:
        """Rows and chances [steps, N] by inverse-transform sampling; `right`, so that a mass of
        zero is never drawn.
        """
        assert self._cumulative is not None and self._masses is not None
        total = self._cumulative[-1]
        u = torch.rand(
            (steps, parts.n), dtype=torch.float64, device=total.device, generator=parts.generator
        )
        rows = torch.searchsorted(self._cumulative, u * total, right=True)
        # u * total may round up to the total itself.
        rows = rows.clamp_(max=len(self._cumulative) - 1)
        self._drawn = rows, self._masses[rows] / total

    def state_dict(self) -> dict[str, Any]:
        return {
            "rows": self._rows.state_dict(),
            "age": self._age,
            "masses": self._masses,
            "fallback": self._fallback,
            "drawn": self._drawn,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._rows.load_state_dict(state["rows"])
        self._age, self._masses, self._fallback = state["age"], state["masses"], state["fallback"]
        self._drawn = state["drawn"]
        self._cumulative = None if self._masses is None else self._masses.cumsum(0)
