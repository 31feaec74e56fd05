"""How often each sample was offered and selected: the paper's importance (section 4.3)."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class SelectionCounts:
    """Counts per training sample, int32 [n]; repeats within a mini-batch count.

    In total, and since the gate first opened: before that, all arms train on the same samples.
    """

    def __init__(self, n: int, device: torch.device) -> None:
        self.selected = torch.zeros(n, dtype=torch.int32, device=device)
        self.offered = torch.zeros(n, dtype=torch.int32, device=device)
        self._to_all = 0  # steps that offered every sample: counted once, not n times
        self._ones = torch.ones(0, dtype=torch.int32, device=device)
        self._before: tuple[Tensor, Tensor] | None = None

    def add(self, offered: Tensor | None, selected: Tensor) -> None:
        """Counts rows of the training set, int64; offered None stands for all of them."""
        if offered is None:
            self._to_all += 1
        else:
            self.offered.index_add_(0, offered, self._some_ones(len(offered)))
        self.selected.index_add_(0, selected, self._some_ones(len(selected)))

    def gate_opened(self) -> None:
        """Ends the uniform phase."""
        if self._before is None:
            self._before = self.selected.clone(), self.offered + self._to_all

    def arrays(self) -> dict[str, Tensor]:
        """Returns the arrays selected_count and offered_count, in total and since the gate opened.

        The latter have the suffix _open and are zero if it never opened.
        """
        offered = self.offered + self._to_all
        selected_before, offered_before = self._before or (self.selected, offered)
        return {
            "selected_count": self.selected,
            "offered_count": offered,
            "selected_count_open": self.selected - selected_before,
            "offered_count_open": offered - offered_before,
        }

    def state_dict(self) -> dict[str, Any]:
        """All counts."""
        return {
            "selected": self.selected,
            "offered": self.offered,
            "to_all": self._to_all,
            "before": self._before,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from the stored counts."""
        self.selected.copy_(state["selected"])
        self.offered.copy_(state["offered"])
        self._to_all = state["to_all"]
        self._before = state["before"]

    def _some_ones(self, size: int) -> Tensor:
        if len(self._ones) < size:
            self._ones = torch.ones(size, dtype=torch.int32, device=self._ones.device)
        return self._ones[:size]
