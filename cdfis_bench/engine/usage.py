"""How often each sample was offered and selected: the paper's importance (section 4.3)."""

import torch
from torch import Tensor


class Usage:
    """Counts per training sample, int32 [n]; repeats within a mini-batch count.

    In total, and from the moment the gate first opened: before that, every arm selects alike.
    """

    def __init__(self, n: int, k: int, device: torch.device) -> None:
        self.selected = torch.zeros(n, dtype=torch.int32, device=device)
        self.offered = torch.zeros(n, dtype=torch.int32, device=device)
        self._ones = torch.ones(k, dtype=torch.int32, device=device)
        self._before: tuple[Tensor, Tensor] | None = None

    def add(self, offered: Tensor, selected: Tensor) -> None:
        """offered, selected: rows of the training set, int64, at most k each."""
        self.offered.index_add_(0, offered, self._ones[: len(offered)])
        self.selected.index_add_(0, selected, self._ones[: len(selected)])

    def gate_opened(self) -> None:
        """What was counted so far belongs to the uniform phase."""
        if self._before is None:
            self._before = self.selected.clone(), self.offered.clone()

    def arrays(self) -> dict[str, Tensor]:
        """selected_count, offered_count (in total), and the same with _open (zero if the gate never
        opened).
        """
        selected, offered = self._before or (self.selected, self.offered)
        return {
            "selected_count": self.selected,
            "offered_count": self.offered,
            "selected_count_open": self.selected - selected,
            "offered_count_open": self.offered - offered,
        }
