"""Training steps that a selector has not processed yet."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from cdfis_bench.core.types import StepEnd
from cdfis_bench.selectors.logit_gradients import logit_gradients

CAPACITY = 64  # steps, to limit the memory


class BufferedSteps:
    """T training steps with mini-batches of N.

    Attributes:
        rows: Rows of the training set [T, N], int64.
        gradients: Loss gradients at the logits [T, N, C], float64.
        norms: Their norms [T, N].
        probabilities: Of each draw [T, N], float64; 1 / n where the order was the shuffled one.
        drawn: Whether the mini-batch was drawn by a distribution [T], bool.
    """

    def __init__(
        self, rows: Tensor, gradients: Tensor, probabilities: Tensor, drawn: Tensor
    ) -> None:
        """Takes the tensors; see the class."""
        self.rows, self.gradients = rows, gradients
        self.probabilities, self.drawn = probabilities, drawn
        self.norms = gradients.norm(dim=2)


class StepBuffer:
    """Collects training steps until they are needed.

    A distribution that is rebuilt every few steps does not need them before, and many steps at once
    cost little more than one. The buffer is saved as it is, so that a resumed run processes the
    same steps together.
    """

    def __init__(
        self, train_size: int, device: torch.device, process: Callable[[BufferedSteps], None]
    ) -> None:
        """Makes an empty buffer.

        Args:
            train_size: Number of training samples.
            device: Of the tensors that are processed.
            process: Called with the collected steps, at the latest after CAPACITY of them.
        """
        self._process = process
        self._train_size = train_size
        self._device = device
        self._steps: list[tuple[Tensor, Tensor, Tensor, Tensor | None]] = []

    def put(self, step_end: StepEnd) -> None:
        """Adds a step."""
        selection, batch = step_end.mini_batch.selection, step_end.mini_batch.batch
        probabilities = None if selection is None else selection.selected_probabilities
        self._steps.append((batch.index, step_end.logits, batch.y, probabilities))
        if len(self._steps) >= CAPACITY:
            self.flush()

    def flush(self) -> None:
        """Processes what was collected."""
        if not self._steps:
            return
        steps, self._steps = self._steps, []
        of_steps, logits, labels, probabilities = zip(*steps, strict=True)
        rows = torch.stack(of_steps)  # [T, N]
        uniform = torch.full(rows.shape[1:], 1 / self._train_size, dtype=torch.float64)
        gradients = logit_gradients(torch.cat(logits), torch.cat(labels))
        self._process(
            BufferedSteps(
                rows.to(self._device),
                gradients.view(*rows.shape, -1).to(self._device),
                torch.stack(
                    [(uniform if p is None else p).to(self._device) for p in probabilities]
                ),
                torch.tensor([p is not None for p in probabilities], device=self._device),
            )
        )

    def state_dict(self) -> dict[str, Any]:
        """The collected steps."""
        return {"steps": list(self._steps)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues with the stored steps."""
        self._steps = list(state["steps"])
