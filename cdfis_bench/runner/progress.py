"""Progress bars on a terminal; only single lines where the output is redirected."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm


def say(line: str) -> None:
    """Prints a line above the progress bars."""
    # The bar may belong to the process that started this one, so its line is cleared first.
    tqdm.write(f"\r\x1b[K{line}" if sys.stdout.isatty() else line)


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
        self._by_steps = steps is not None
        self._bar = tqdm(
            total=steps if self._by_steps else train_seconds,
            desc=name,
            unit="step" if self._by_steps else "s",
            position=1 if below else 0,
            leave=False,
            disable=None if shown else True,  # None: no bar where the output is no terminal
            bar_format=None if self._by_steps else "{l_bar}{bar}| {n:.0f}/{total:.0f} s",
        )

    def __call__(self, step: int, train_seconds: float) -> None:
        """Updates the bar after a step."""
        self._bar.update(1 if self._by_steps else train_seconds - self._bar.n)

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
