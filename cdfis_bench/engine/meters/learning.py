"""How each training sample was learned: scores for dataset pruning."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from cdfis_bench.core.modes import in_mode
from cdfis_bench.core.types import Samples
from cdfis_bench.metrics.grad_norm_bound import GradNormBound

EL2N_AFTER = 0.1  # of the budget; Paul et al. take epochs 10 to 20 of 200


@torch.no_grad()
def error_norms(model: nn.Module, samples: Samples, chunk_size: int) -> Tensor:
    """EL2N [n], float32: the norm of (predicted probabilities - one-hot label), in eval mode.

    Source: Paul, Ganguli, Dziugaite 2021, definition 2.2.
    """
    from_logits = GradNormBound().from_logits  # the same number
    parts = []
    rows = torch.arange(len(samples), device=samples.index_device)
    with in_mode(model, train=False):
        for part in rows.split(chunk_size):
            batch = samples.batch(part)
            parts.append(from_logits(model(batch.x), batch.y))
    return torch.cat(parts)


class LearningMeter:
    """Counts forgetting events per training sample, and keeps their EL2N early in training.

    A sample is classified when it is trained on, by the network before that step (Toneva et al.
    2018, section 3, algorithm 1). A sample that occurs several times in a mini-batch counts once,
    as classified correctly if all its copies are (dropout makes them differ).
    """

    def __init__(self, n: int, device: torch.device) -> None:
        self._correct = torch.zeros(n, dtype=torch.bool, device=device)  # at the last visit
        self._now = torch.zeros(n, dtype=torch.uint8, device=device)  # scratch of add()
        self._counts = {
            name: torch.zeros(n, dtype=torch.int32, device=device)
            for name in ("presented_count", "learned_count", "forgotten_count")
        }
        self.el2n: Tensor | None = None  # [n] float32

    def add(self, rows: Tensor, labels: Tensor, logits: Tensor) -> None:
        """Counts a mini-batch: rows of the training set and labels [N], int64; logits [N, C]."""
        right = (logits.argmax(1) == labels).to(torch.uint8)
        self._now.index_fill_(0, rows, 1)
        self._now.scatter_reduce_(0, rows, right, "amin")
        now, before = self._now[rows].bool(), self._correct[rows]
        for name, more in (
            ("presented_count", torch.ones_like(now)),
            ("learned_count", now & ~before),
            ("forgotten_count", before & ~now),
        ):
            counts = self._counts[name]
            # Equal rows get equal values, so that the order of writing does not matter.
            counts.index_copy_(0, rows, counts[rows] + more)
        self._correct.index_copy_(0, rows, now)

    def arrays(self) -> dict[str, Tensor]:
        """Returns the counts, and el2n if it was computed."""
        return self._counts | ({} if self.el2n is None else {"el2n": self.el2n})

    def state_dict(self) -> dict[str, Any]:
        """All counts."""
        return {"correct": self._correct, "counts": self._counts, "el2n": self.el2n}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues from the stored counts."""
        self._correct.copy_(state["correct"])
        for name, counts in state["counts"].items():
            self._counts[name].copy_(counts)
        self.el2n = state["el2n"]
