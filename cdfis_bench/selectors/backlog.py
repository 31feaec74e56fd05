"""Mini-batches that a selector has not looked at yet."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from cdfis_bench.core.types import Feedback
from cdfis_bench.selectors.logit_gradients import logit_gradients

STEPS = 64  # most that wait, for memory's sake


class Seen:
    """T mini-batches of N: rows [T, N] int64; gradients at the logits [T, N, C] float64; chances
    [T, N] float64 of each draw, 1 / n where the order was the shuffled one; drawn [T] bool: whether
    it was not.
    """

    def __init__(self, rows: Tensor, gradients: Tensor, chances: Tensor, drawn: Tensor) -> None:
        self.rows, self.gradients, self.chances, self.drawn = rows, gradients, chances, drawn
        self.norms = gradients.norm(dim=2)  # [T, N]


class Backlog:
    """Keeps what training showed until it is needed: a law that is made again now and then has no
    use for it before, and many mini-batches at once cost little more than one.

    look: what is done with them, at the latest after STEPS mini-batches.
    What is made of them does not depend on when a run was interrupted: they are saved as they are.
    """

    def __init__(self, n_all: int, device: torch.device, look: Callable[[Seen], None]) -> None:
        self._look = look
        self._n_all = n_all
        self._device = device  # of what is looked at
        self._waiting: list[tuple[Tensor, Tensor, Tensor, Tensor | None]] = []

    def put(self, feedback: Feedback) -> None:
        selection = feedback.chosen.selection
        chances = None if selection is None else selection.chances
        batch = feedback.batch
        self._waiting.append((batch.index, feedback.logits, batch.y, chances))
        if len(self._waiting) >= STEPS:
            self.catch_up()

    def catch_up(self) -> None:
        """Looks at all that wait."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        of_steps, logits, labels, chances = zip(*waiting, strict=True)
        rows = torch.stack(of_steps)  # [T, N]
        uniform = torch.full(rows.shape[1:], 1 / self._n_all, dtype=torch.float64)
        gradients = logit_gradients(torch.cat(logits), torch.cat(labels))
        self._look(
            Seen(
                rows.to(self._device),
                gradients.view(*rows.shape, -1).to(self._device),
                torch.stack([(uniform if c is None else c).to(self._device) for c in chances]),
                torch.tensor([c is not None for c in chances], device=self._device),
            )
        )

    def state_dict(self) -> dict[str, Any]:
        return {"waiting": list(self._waiting)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._waiting = list(state["waiting"])
