"""Ctrl-C and SIGTERM wait for the step in progress, so that a stop loses nothing. (Ctrl-Z and `fg` pause by themselves.)"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether somebody asked to stop."""

    def __init__(self) -> None:
        self.wanted = False

    def ask(self, _number: int, _frame: FrameType | None) -> None:
        """The first signal is noted; the second ends the process at once.

        Raises:
            KeyboardInterrupt: the second time.
        """
        if self.wanted:
            raise KeyboardInterrupt
        self.wanted = True


@contextmanager
def after_the_step() -> Iterator[Stop]:
    """Collect signals while the block runs. Python delivers them to the main thread only; elsewhere nothing changes, nor
    where they are ignored, as a shell's background jobs ignore Ctrl-C.
    """
    stop = Stop()
    own = [
        number
        for number in SIGNALS
        if threading.current_thread() is threading.main_thread() and signal.getsignal(number) is not signal.SIG_IGN
    ]
    before = {number: signal.signal(number, stop.ask) for number in own}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
