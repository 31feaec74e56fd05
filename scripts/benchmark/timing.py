"""Timing two pieces of work against each other."""

import os
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from time import perf_counter

Work = Callable[[], object]

VOID_BEYOND = 0.10  # A against A
BUSY_LOAD = 1.5  # of the last minute; our own process is 1 of it
_BLOCK_SECONDS = 0.06  # a timing is as many repetitions as fill this


@dataclass(frozen=True, slots=True)
class Ratio:
    """b over a: median, least and greatest of the rounds; seconds: of one b."""

    median: float
    low: float
    high: float
    seconds: float


def compare(a: Work, b: Work, rounds: int) -> Ratio:
    """Times a, b, b, a in every round, after a warm-up of each that does not count."""
    times_a, times_b = _repetitions(a), _repetitions(b)
    ratios, seconds = [], []
    for _ in range(rounds):
        a1, b1 = _seconds(a, times_a), _seconds(b, times_b)
        b2, a2 = _seconds(b, times_b), _seconds(a, times_a)
        ratios.append((b1 + b2) / (a1 + a2))
        seconds.append((b1 + b2) / 2)
    return Ratio(statistics.median(ratios), min(ratios), max(ratios), statistics.median(seconds))


def fastest(works: dict[str, Work], rounds: int = 2) -> str:
    """The name of the work that takes least, by the least of `rounds` interleaved timings."""
    times = {name: _repetitions(work) for name, work in works.items()}
    least = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            least[name] = min(least[name], _seconds(work, times[name]))
    return min(least, key=least.__getitem__)


def load() -> float:
    """The machine's load of the last minute; NaN where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")


def _repetitions(work: Work) -> int:
    """How many repetitions fill a timing. Warms up."""
    work()
    once = _seconds(work, 1)
    return max(1, ceil(_BLOCK_SECONDS / once))


def _seconds(work: Work, times: int) -> float:
    """Of one repetition."""
    began = perf_counter()
    for _ in range(times):
        work()
    return (perf_counter() - began) / times
