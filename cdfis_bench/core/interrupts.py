"""Interrupts that cannot get lost.

Python raises KeyboardInterrupt wherever the program happens to be. In a finalizer or a callback of
a C library it is printed and dropped, and a sweep would go on. Therefore the signal is remembered,
and raised again where a job begins and where the command ends.
"""

import signal
from types import FrameType
from typing import NoReturn

_received: list[int] = []


class Terminated(KeyboardInterrupt):
    """SIGTERM: the process ends as after an interrupt from the keyboard."""


def remember_interrupts() -> None:
    """Handles SIGTERM, and SIGINT unless the process was started to ignore it."""
    signal.signal(signal.SIGTERM, _on_signal)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _on_signal)


def raise_if_interrupted() -> None:
    """Raises KeyboardInterrupt if an interrupt has been received, even if it was dropped."""
    if _received:
        _raise(_received[0])


def _on_signal(number: int, frame: FrameType | None) -> NoReturn:
    _received.append(number)
    _raise(number)


def _raise(number: int) -> NoReturn:
    raise Terminated if number == signal.SIGTERM else KeyboardInterrupt
