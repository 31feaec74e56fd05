"""An interrupt that is dropped where it was raised is raised again."""

import os
import signal

import pytest

from cdfis_bench.core import interrupts


@pytest.fixture
def handlers():
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupts.remember_interrupts()
    yield
    interrupts._received.clear()
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("number", "kind"),
    [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, interrupts.Terminated)],
)
def test_a_dropped_interrupt_is_raised_again(handlers, number, kind):
    interrupts.raise_if_interrupted()  # nothing yet
    with pytest.raises(kind):
        os.kill(os.getpid(), number)
        signal.pause()
    with pytest.raises(kind):
        interrupts.raise_if_interrupted()


def test_a_process_that_ignores_sigint_goes_on_ignoring_it(handlers):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interrupts.remember_interrupts()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
