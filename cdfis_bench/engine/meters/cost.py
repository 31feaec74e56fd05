"""The cost of a run: seconds per phase, and samples loaded, scored and trained on."""

from collections import deque
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, Protocol

import torch

PHASES = ("load", "score", "select", "update")


class _Phase(Protocol):
    """A context that adds the time inside it to `seconds`."""

    seconds: float

    def __enter__(self) -> None: ...
    def __exit__(self, *exc: object) -> None: ...
    def settle(self, wait: bool) -> None:
        """Updates `seconds`; wait: whether to wait until the device has finished the phase."""
        ...


class _HostPhase:
    """Measured by the host's clock, with a synchronization at both ends."""

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
    """Measured by CUDA events, so that the host never waits in the middle of a step.

    Between the two events of a phase the GPU may also wait for the host; that belongs to the phase.
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
    device has finished it, not when the host has queued it: otherwise the work of one phase would
    be charged to the next one, or to the evaluation.
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
        """Returns the context of a phase: load, score, select, update, or eval."""
        return self._evaluation if phase == "eval" else self._phases[phase]

    @property
    def train_seconds(self) -> float:
        """Training time measured so far, without waiting for the device."""
        for phase in self._phases.values():
            phase.settle(wait=False)
        return sum(phase.seconds for phase in self._phases.values())

    def count_scored(self, samples: int, forward_passes: int, backward_passes: int) -> None:
        """Counts scored samples with their passes through the network."""
        self.samples_scored += samples
        self.forward_samples += forward_passes * samples
        self.backward_samples += backward_passes * samples

    def count_step(self, loaded: int, trained: int) -> None:
        """Counts a training step: samples loaded for it, and samples trained on."""
        self.samples_loaded += loaded
        self.samples_trained += trained
        self.forward_samples += trained
        self.backward_samples += trained

    def charge(self, other: "CostMeter", share: float) -> None:
        """Adds a share of the seconds and counts of another meter; counts are rounded."""
        for name, phase in other._phases.items():
            phase.settle(wait=True)
            self._phases[name].seconds += share * phase.seconds
        self.samples_loaded += round(share * other.samples_loaded)
        self.samples_scored += round(share * other.samples_scored)
        self.samples_trained += round(share * other.samples_trained)
        self.forward_samples += round(share * other.forward_samples)
        self.backward_samples += round(share * other.backward_samples)

    @property
    def forward_equivalents(self) -> int:
        """Forward passes of one sample, a backward pass counting as two."""
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
        """Continues from the totals of an interrupted run."""
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
