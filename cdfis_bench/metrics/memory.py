"""The last score of each training sample: no forward pass, but out of date."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from cdfis_bench.core.errors import require_choice, require_number
from cdfis_bench.core.parts import DatasetMetric, LogitMetric
from cdfis_bench.core.types import Batch, Sizes, StepEnd
from cdfis_bench.metrics.grad_norm_bound import GradNormBound
from cdfis_bench.metrics.loss import Loss

_OF = {"loss": Loss, "grad_norm_bound": GradNormBound}


class Memory(LogitMetric, DatasetMetric):
    """A score per training sample, stored whenever the sample is trained on, at no cost.

    Scores come from the training pass (dropout on). Samples that were never trained on have the
    mean score of those that were (1 at the very beginning), so that they are neither preferred nor
    left out.

    Source: Loshchilov and Hutter 2015 (last loss); Salaun et al. 2025 (moving averages).
    """

    forward_passes = 0

    def __init__(self, of: str = "loss", keep: float = 0.0) -> None:
        """Makes the metric.

        Args:
            of: "loss" or "grad_norm_bound".
            keep: Share of the old value that is kept when a sample is trained on again, in [0, 1];
                0 keeps the last value only.
        """
        self.of = require_choice("metric.of", of, tuple(_OF))
        self.keep = require_number("metric.keep", keep, 0.0, 1.0)
        self._metric = _OF[self.of]()
        self._values = self._last_step = self._places = torch.empty(0)

    def setup(self, sizes: Sizes) -> None:
        """Starts without any score."""
        n, device = sizes.train_size, sizes.device
        self._values = torch.full((n,), torch.nan, device=device)
        # After which step each sample was last trained on; -1: never.
        self._last_step = torch.full((n,), -1, dtype=torch.int32, device=device)
        self._places = torch.zeros(n, dtype=torch.int64, device=device)  # scratch of on_step_end

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """Returns the stored scores [K], float32, of loaded candidates."""
        return self.table().index_select(0, batch.index)

    def table(self) -> Tensor:
        """Returns the stored scores [n], float32, of the whole training set: O(n)."""
        known = self._values.nanmean()
        return self._values.nan_to_num(nan=0.0) + torch.where(
            self._values.isnan(), known.nan_to_num(nan=1.0), 0.0
        )

    def last_step(self) -> Tensor:
        """Returns the step after which each sample was last trained on [n], int32; -1: never."""
        return self._last_step

    def from_logits(self, logits: Tensor, y: Tensor) -> Tensor:
        """Scores [K] from logits [K, C]."""
        return self._metric.from_logits(logits, y)

    def on_step_end(self, step_end: StepEnd) -> None:
        """Stores the scores of the mini-batch."""
        batch = step_end.mini_batch.batch
        rows = batch.index
        is_loss = self.of == "loss"  # known already
        scores = step_end.losses if is_loss else self.from_logits(step_end.logits, batch.y)
        new = scores.float()
        if self.keep:
            old = self._values.index_select(0, rows)
            new = torch.where(old.isnan(), new, self.keep * old + (1 - self.keep) * new)
        self._values.index_copy_(0, rows, new.index_select(0, self._last_places(rows)))
        self._last_step.index_fill_(0, rows, step_end.step)

    def _last_places(self, rows: Tensor) -> Tensor:
        """Of each of the rows [N] its last position in the mini-batch, [N].

        Dropout gives the copies of a sample different scores. With the last one for all copies, the
        result does not depend on the order in which a device writes them.
        """
        places = torch.arange(len(rows), device=rows.device)
        self._places.index_fill_(0, rows, 0)
        self._places.scatter_reduce_(0, rows, places, "amax")
        return self._places.index_select(0, rows)

    def state_dict(self) -> dict[str, Any]:
        """All scores."""
        return {"values": self._values, "last_step": self._last_step}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues with the stored scores."""
        self._values.copy_(state["values"])
        self._last_step.copy_(state["last_step"])
