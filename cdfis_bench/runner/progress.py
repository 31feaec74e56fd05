"""Progress bars on a terminal; single lines where the output goes to a file."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm


def say(line: str) -> None:
    """Prints a line above any progress bars."""
    # The bar may be that of the process which started this one: clear its line.
    tqdm.write(f"\r\x1b[K{line}" if sys.stdout.isatty() else line)


class RunProgress:
    """The bar of one run: steps, or seconds of training where those are the budget."""

    def __init__(
        self, name: str, steps: int | None, train_seconds: float | None, below: bool, shown: bool
    ) -> None:
        """below: leave the top line to the bar of a sweep. shown: false where several runs at a
        time would draw over each other.
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
        self._bar.update(1 if self._by_steps else train_seconds - self._bar.n)

    def close(self) -> None:
        self._bar.close()


@contextmanager
def run_progress(
    name: str, steps: int | None, train_seconds: float | None, below: bool, shown: bool = True
) -> Iterator[RunProgress]:
    progress = RunProgress(name, steps, train_seconds, below, shown)
    try:
        yield progress
    finally:
        progress.close()
