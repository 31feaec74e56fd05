"""Standard output and standard error that outlive their readers.

After `| head` has closed the pipe, or on a full disk, a line that cannot be written is no reason to
lose a run: it is dropped.
"""

import io
import os
import select
import sys
from typing import Any


def keep_output() -> None:
    """Makes writing to standard output and error safe for the rest of this process.

    A stream that was closed when the process started (`>&-`) becomes the null device: otherwise the
    next file that is opened would take its number, and receive whatever is printed.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # Takes the lowest free number, which is this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stdout is None or sys.stdout is sys.__stdout__:  # not one that a test has put there
        sys.stdout = _lasting(1, sys.stdout, "strict")
    if sys.stderr is None or sys.stderr is sys.__stderr__:
        sys.stderr = _lasting(2, sys.stderr, "backslashreplace")


def _lasting(descriptor: int, stream: Any, errors: str) -> io.TextIOWrapper:
    if stream is not None:
        stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Lasting(descriptor)),
        encoding=getattr(stream, "encoding", None) or "utf-8",
        errors=getattr(stream, "errors", None) or errors,
        line_buffering=True,  # the lines of a long sweep reach its log file as they come
    )


class _Lasting(io.RawIOBase):
    """A descriptor that takes everything; what it cannot pass on is dropped."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: Any, /) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:  # a slow reader of a pipe that does not wait: try again
            select.select([], [self._descriptor], [], 1.0)
            return 0
        except OSError:
            return len(data)
