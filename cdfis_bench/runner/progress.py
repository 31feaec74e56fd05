"""Progress bars on a terminal; a line per minute where the output is redirected."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

LINE_EVERY = 60.0  # seconds
_LABEL = 30  # characters of a bar's label: at 80 columns the bar itself keeps its place


def say(line: str) -> None:
    """Prints a line above the progress bars."""
    # The bar may belong to the process that started this one, so its line is cleared first.
    tqdm.write(f"\r\x1b[K{line}" if sys.stdout.isatty() else line)


class _Minutes:
    """Says when another line is due."""

    def __init__(self) -> None:
        self.began = self._last = time.monotonic()

    def due(self) -> bool:
        now = time.monotonic()
        if now - self._last < LINE_EVERY:
            return False
        self._last = now
        return True


class SweepProgress:
    """The bar of a sweep, in runs, with the numbers of stored and failed ones; and its failures.

    A failure that hits many jobs is said once; the bar counts the others.
    """

    def __init__(self, name: str, runs: int) -> None:
        """Shows the bar.

        Args:
            name: Name of the sweep.
            runs: Number of its jobs.
        """
        self._name = name
        self._runs = runs
        self._counts = {"stored": 0, "failed": 0}
        self._ended = 0
        self._said: set[str] = set()
        self._minutes = _Minutes()
        self._bar = _bar(name, total=runs, unit="run", position=0)

    def say_plan(self, text: str) -> None:
        """Prints what the sweep is going to do."""
        say(f"{self._name}: {text}")

    def job_ended(self, overrides: Sequence[str], summary: Mapping[str, Any]) -> None:
        """Counts a job.

        Args:
            overrides: Of the job.
            summary: What the job returned: its run and `computed`, or its `error`.
        """
        self._ended += 1
        if "error" in summary:
            self._counts["failed"] += 1
            self._say_failure(overrides, str(summary["error"]))
        elif not summary.get("computed", True):
            self._counts["stored"] += 1
        self._bar.set_postfix_str(", ".join(self._texts()), refresh=False)
        self._bar.update()
        if self._minutes.due() and self._bar.disable and self._ended < self._runs:
            say(self._line())

    def close(self) -> None:
        """Removes the bar's claim on the terminal; its last state stays."""
        self._bar.close()

    def _texts(self) -> list[str]:
        return [f"{number} {what}" for what, number in self._counts.items() if number]

    def _line(self) -> str:
        from cdfis_bench.runner.sweep_plan import duration

        took = time.monotonic() - self._minutes.began
        parts = [f"{self._ended} of {self._runs} runs", *self._texts(), f"{duration(took)} so far"]
        computed = self._ended - self._counts["stored"]
        if computed:
            parts.append(f"about {duration(took / computed * (self._runs - self._ended))} left")
        return f"{self._name}: {', '.join(parts)}"

    def _say_failure(self, overrides: Sequence[str], error: str) -> None:
        from cdfis_bench.analysis.experiment import same_cause

        cause = same_cause(error)
        if cause not in self._said:
            self._said.add(cause)
            say(f"failed: {' '.join(overrides)}: {error}")


class RunProgress:
    """The bar of one run, in steps, or in seconds if only those are limited."""

    def __init__(
        self, name: str, steps: int | None, train_seconds: float | None, below: bool, shown: bool
    ) -> None:
        """Shows the bar.

        Args:
            name: Label of the bar.
            steps: Budget in steps; None if there is none.
            train_seconds: Budget in seconds; None if there is none.
            below: Whether the top line is left to the bar of a sweep.
            shown: False if concurrent runs would overwrite each other's bars.
        """
        self._name = name
        self._by_steps = steps is not None
        self._minutes = _Minutes()
        self._bar = _bar(
            name,
            total=steps if self._by_steps else train_seconds,
            unit="step" if self._by_steps else "s",
            position=1 if below else 0,
            leave=False,
            disable=None if shown else True,
            bar_format=None if self._by_steps else "{l_bar}{bar}| {n:.0f}/{total:.0f} s",
        )

    def __call__(self, step: int, train_seconds: float) -> None:
        """Updates the bar after a step; the first one of a resumed run is not step 1."""
        self._bar.update((step if self._by_steps else train_seconds) - self._bar.n)
        if self._bar.disable and self._minutes.due():
            total = f" of {self._bar.total}" if self._by_steps else ""
            say(f"{self._name}: step {step}{total}, {train_seconds:.0f} s of training")

    def close(self) -> None:
        """Removes the bar."""
        self._bar.close()


@contextmanager
def run_progress(
    name: str, steps: int | None, train_seconds: float | None, below: bool, shown: bool = True
) -> Iterator[RunProgress]:
    """The bar of one run, removed when the context ends. Arguments as for RunProgress."""
    progress = RunProgress(name, steps, train_seconds, below, shown)
    try:
        yield progress
    finally:
        progress.close()


def _bar(label: str, disable: bool | None = None, **values: Any) -> tqdm:
    """A bar as wide as the terminal. disable=None: no bar where the output is no terminal."""
    if len(label) > _LABEL:  # the ends tell runs apart: the method, and the seed or "and 9 more"
        label = f"{label[: _LABEL // 2 - 1]}...{label[-(_LABEL // 2 - 2) :]}"
    return tqdm(desc=label, disable=disable, dynamic_ncols=True, **values)
