"""What a run costs: seconds per phase, and samples loaded, scored and trained."""

from collections import deque
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, Protocol

import torch

PHASES = ("load", "score", "select", "update")


class _Phase(Protocol):
    """Adds what passes inside `with` to its seconds."""

    seconds: float

    def __enter__(self) -> None: ...
    def __exit__(self, *exc: object) -> None: ...
    def settle(self, wait: bool) -> None:
        """Brings `seconds` up to date. wait: until the device is through with the phase."""
        ...


class _HostPhase:
    """By the host's clock; the device, if there is one, is waited for at both ends."""

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

    def settle(self, wait: bool) -> None: ...


class _CudaPhase:
    """By the GPU's clock: marks in its queue, so that the host never waits in the middle of a step.

    Between two marks of a phase the GPU may also wait for the host; that belongs to the phase.
    """

    __slots__ = ("_began", "_marks", "seconds")

    def __init__(self) -> None:
        self._marks: deque[tuple[torch.cuda.Event, torch.cuda.Event]] = deque()
        self.seconds = 0.0

    def __enter__(self) -> None:
        self._began = torch.cuda.Event(enable_timing=True)
        self._began.record()

    def __exit__(self, *exc: object) -> None:
        ended = torch.cuda.Event(enable_timing=True)
        ended.record()
        self._marks.append((self._began, ended))

    def settle(self, wait: bool) -> None:
        while self._marks and (wait or self._marks[0][1].query()):
            began, ended = self._marks.popleft()
            ended.synchronize()
            self.seconds += began.elapsed_time(ended) / 1000


class CostMeter:
    """`with cost("score"): ...` measures a phase; counts are plain attributes.

    Evaluation is a phase of its own, outside train_seconds. On an accelerator a phase ends when the
    device is through with it, not when the host has queued it: otherwise the work of one phase
    would be charged to the next, or drain unseen during the evaluation.
    """

    def __init__(self, device: torch.device) -> None:
        self._phases = {name: _phase(device) for name in PHASES}
        self._evaluation = _phase(device)
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
        """What the device is known to have spent by now; it is never waited for."""
        for phase in self._phases.values():
            phase.settle(wait=False)
        return sum(phase.seconds for phase in self._phases.values())

    def count_scored(self, samples: int, forward_passes: int, backward_passes: int) -> None:
        self.samples_scored += samples
        self.forward_samples += forward_passes * samples
        self.backward_samples += backward_passes * samples

    def count_trained(self, samples: int) -> None:
        self.samples_trained += samples
        self.forward_samples += samples
        self.backward_samples += samples

    @property
    def forward_equivalents(self) -> int:
        """Forward passes of one sample, a backward pass counted as two."""
        return self.forward_samples + 2 * self.backward_samples

    def totals(self) -> dict[str, float | int]:
        """The columns of the curve table that this meter fills (records/schema.py)."""
        for phase in (*self._phases.values(), self._evaluation):
            phase.settle(wait=True)
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

    def load_totals(self, totals: Mapping[str, Any]) -> None:
        """Goes on from the totals of an interrupted run."""
        for name, phase in self._phases.items():
            phase.seconds = totals[f"{name}_seconds"]
        self._evaluation.seconds = totals["eval_seconds"]
        self.samples_loaded = totals["samples_loaded"]
        self.samples_scored = totals["samples_scored"]
        self.samples_trained = totals["samples_trained"]
        self.forward_samples = totals["forward_samples"]
        self.backward_samples = totals["backward_samples"]


def _phase(device: torch.device) -> _Phase:
    if device.type == "cuda":
        return _CudaPhase()
    return _HostPhase(torch.mps.synchronize if device.type == "mps" else None)
