"""What a run costs: seconds per phase, and samples loaded, scored and trained."""

from collections.abc import Callable
from time import perf_counter

import torch

PHASES = ("load", "score", "select", "update")


class _Phase:
    """Adds the time spent inside `with` to one phase."""

    __slots__ = ("_began", "_wait", "seconds")

    def __init__(self, wait: Callable[[], None] | None) -> None:
        self._wait = wait
        self.seconds = 0.0

    def __enter__(self) -> None:
        if self._wait:
            self._wait()
        self._began = perf_counter()

    def __exit__(self, *exc: object) -> None:
        if self._wait:
            self._wait()
        self.seconds += perf_counter() - self._began


class CostMeter:
    """`with cost("score"): ...` measures a phase; counts are plain attributes.

    On an accelerator the clock is read only after queued work has finished: otherwise the work of
    one phase would be charged to the next, or drain unseen during the evaluation, which is outside
    the clock.
    """

    def __init__(self, device: torch.device) -> None:
        wait = _synchronise(device)
        self._phases = {name: _Phase(wait) for name in PHASES}
        self._evaluation = _Phase(wait)
        self.samples_loaded = 0
        self.samples_scored = 0
        self.samples_trained = 0
        self.forward_samples = 0
        self.backward_samples = 0

    def __call__(self, phase: str) -> _Phase:
        """phase: load, score, select, update, or eval (which is not part of train_seconds)."""
        return self._evaluation if phase == "eval" else self._phases[phase]

    @property
    def train_seconds(self) -> float:
        return sum(phase.seconds for phase in self._phases.values())

    def count_scored(self, samples: int, backward_passes: int) -> None:
        self.samples_scored += samples
        self.forward_samples += samples
        self.backward_samples += backward_passes * samples

    def count_trained(self, samples: int) -> None:
        self.samples_trained += samples
        self.forward_samples += samples
        self.backward_samples += samples

    def totals(self) -> dict[str, float | int]:
        """The columns of the curve table that this meter fills (records/schema.py)."""
        seconds = {f"{name}_seconds": phase.seconds for name, phase in self._phases.items()}
        return {
            "train_seconds": self.train_seconds,
            **seconds,
            "eval_seconds": self._evaluation.seconds,
            "samples_loaded": self.samples_loaded,
            "samples_scored": self.samples_scored,
            "samples_trained": self.samples_trained,
            "forward_samples": self.forward_samples,
            "backward_samples": self.backward_samples,
        }


def _synchronise(device: torch.device) -> Callable[[], None] | None:
    if device.type == "cuda":
        return lambda: torch.cuda.synchronize(device)
    if device.type == "mps":
        return torch.mps.synchronize
    return None
