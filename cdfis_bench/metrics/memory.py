"""What training showed last of each sample: scores without a forward pass, but stale."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from cdfis_bench.core.errors import require_choice, require_number
from cdfis_bench.core.types import Batch, Feedback, Scale
from cdfis_bench.metrics.grad_norm_bound import GradNormBound
from cdfis_bench.metrics.loss import Loss

_OF = {"loss": Loss, "grad_norm_bound": GradNormBound}


class Memory:
    """A score per training sample, kept from the last times it was trained on; it costs nothing.

    of: loss or grad_norm_bound, at the training forward pass (dropout on). keep: the share of the
    old value that is kept when a sample is seen again; 0 keeps the last value only. Samples that
    were never seen have the mean score of those that were (1 at the very beginning), so that they
    are neither preferred nor left out.
    Source: Loshchilov and Hutter 2015 (last loss); Salaun et al. 2025 (moving averages).
    """

    signed = False
    forward_passes = 0
    backward_passes = 0

    def __init__(self, of: str = "loss", keep: float = 0.0) -> None:
        self.of = require_choice("metric.of", of, tuple(_OF))
        self.keep = require_number("metric.keep", keep, 0.0, 1.0)
        self._score = _OF[self.of]().of_logits
        self._values = self._last_step = torch.empty(0)

    def start(self, scale: Scale) -> None:
        self._values = torch.full((scale.n_all,), torch.nan, device=scale.device)
        self._last_step = torch.full(
            (scale.n_all,), -1, dtype=torch.int32, device=scale.device
        )  # of the last visit; -1: never

    def check(self, model: nn.Module) -> None:
        """Any classifier will do."""

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """Scores [K] float32 of loaded candidates, as remembered."""
        return self.table().index_select(0, batch.index)

    def table(self) -> Tensor:
        """Scores [n] float32 of the whole training set: O(n)."""
        known = self._values.nanmean()
        return self._values.nan_to_num(nan=0.0) + torch.where(
            self._values.isnan(), known.nan_to_num(nan=1.0), 0.0
        )

    def last_step(self) -> Tensor:
        """The step after which each sample was seen last, [n] int32; -1 for never."""
        return self._last_step

    def of_logits(self, logits: Tensor, y: Tensor) -> Tensor:
        return self._score(logits, y)

    def learn(self, feedback: Feedback) -> None:
        rows = feedback.batch.index
        losses = self.of == "loss"  # they are there already
        scores = feedback.losses if losses else self._score(feedback.logits, feedback.batch.y)
        new = scores.float()
        if self.keep:
            old = self._values.index_select(0, rows)
            new = torch.where(old.isnan(), new, self.keep * old + (1 - self.keep) * new)
        # A sample that is twice in a mini-batch has the same score both times: any order will do.
        self._values.index_copy_(0, rows, new)
        self._last_step.index_fill_(0, rows, feedback.step)

    def state_dict(self) -> dict[str, Any]:
        return {"values": self._values, "last_step": self._last_step}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._values.copy_(state["values"])
        self._last_step.copy_(state["last_step"])
