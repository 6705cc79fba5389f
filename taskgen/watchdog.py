"""A limit on how long foreign code may take."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_AGAIN_S = 1.0
"""After how many seconds a call that caught its interruption is interrupted once more."""


class TookTooLong(RuntimeError):
    """A call did not return within its time limit."""


class _Insistence(BaseException):
    """What code that catches every `Exception` is interrupted with; it never leaves this module."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Interrupts the block with `TookTooLong` once it has run for `seconds`.

    Code that catches it and goes on is interrupted again each second, then with what
    `except Exception` does not catch. Limits may be nested: the outer one goes on afterwards.

    It works by SIGALRM: in the main thread only (elsewhere it does nothing), and it interrupts
    Python code and system calls, not a loop inside a C extension.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    message = f"did not return within {seconds:g} s"
    alarms, armed = 0, True

    def interrupt(signum: int, frame: FrameType | None) -> None:
        del signum, frame
        nonlocal alarms
        alarms += 1
        if armed:
            raise TookTooLong(message) if alarms == 1 else _Insistence(message)

    started = time.monotonic()
    handler = signal.signal(signal.SIGALRM, interrupt)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_S)
    try:
        try:
            yield
        finally:
            armed = False  # an alarm from here on would leave timer and handler behind
    except _Insistence as error:
        raise TookTooLong(message) from error
    finally:
        _restore(handler, timer, time.monotonic() - started)


def _restore(handler: object, timer: tuple[float, float], elapsed: float) -> None:
    """Puts back what was there before, a timer that was running less the time gone by."""
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    signal.signal(signal.SIGALRM, handler)  # type: ignore[arg-type]
    left, interval = timer
    if left > 0.0:
        signal.setitimer(signal.ITIMER_REAL, max(left - elapsed, 1e-3), interval)
