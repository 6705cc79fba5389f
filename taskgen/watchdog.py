"""A limit on how long foreign code may take.

`time_limit` interrupts Python code from within its process. What cannot be interrupted so, a loop
inside a C extension, is left to another process: where one is watching (`taskgen.watched`), each
limit is also told to it, and a process that oversteps it by far is killed.
"""

from __future__ import annotations

import itertools
import math
import signal
import threading
import time

# `signal.signal` less its conversions to enums, which take most of a limit's time.
from _signal import signal as _set_handler  # type: ignore[import-not-found]
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from ctypes import c_double
from types import FrameType
from typing import Any, TypeVar

_T = TypeVar("_T")
_Item = TypeVar("_Item")

_AGAIN_S = 1.0
"""After how many seconds a call that caught its interruption is interrupted once more."""
_SOON_S = 1e-4
"""After how many seconds an interruption that came at a bad moment is tried again."""
_GRACE = 1.5
"""The share of its limit, a second added, that a call may take before its process is killed."""

_FIRST_TIMES, _FIRST_S = 5.0, 60.0
"""How much longer the first call of a kind may take, and how long at least, in seconds."""

_deadline = c_double(0.0)
"""When this process may be killed, by the monotonic clock; 0: no limit is running."""


class TookTooLong(RuntimeError):
    """A call did not return within its time limit."""


class _Insistence(BaseException):
    """What code that catches every `Exception` is interrupted with; it never leaves this module."""


def tell_deadlines(deadline: c_double) -> None:
    """Has every limit from now on written into memory that a watching process reads."""
    global _deadline
    _deadline = deadline


def time_limit(seconds: float) -> AbstractContextManager[None]:
    """Interrupts the block with `TookTooLong` once it has run for `seconds`.

    Code that catches it and goes on is interrupted again each second, then with what
    `except Exception` does not catch. Limits may be nested: the outer one goes on afterwards.

    It works by SIGALRM: in the main thread only (elsewhere it does nothing), and it interrupts
    Python code and system calls, not a loop inside a C extension.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    return _TimeLimit(seconds) if in_main_thread else nullcontext()


class _TimeLimit(AbstractContextManager[None]):
    """A limit on a block in the main thread.

    An alarm that comes while the block is entered or left would leave timer and handler behind, to
    strike somewhere else: it is put off until the block is inside, or is none any more.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._alarms = 0
        self._armed = True

    def __enter__(self) -> None:
        self._started = time.monotonic()
        self._outer_deadline = _deadline.value
        self._handler = _set_handler(signal.SIGALRM, self._interrupt)
        self._timer = signal.setitimer(signal.ITIMER_REAL, self._seconds, _AGAIN_S)
        latest = self._started + _GRACE * self._seconds + 1.0
        _deadline.value = min(self._outer_deadline, latest) if self._outer_deadline else latest

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: Any) -> None:
        self._armed = False
        _deadline.value = self._outer_deadline
        _restore(self._handler, self._timer, time.monotonic() - self._started)
        if kind is _Insistence:
            raise self._too_long() from error

    def _interrupt(self, signum: int, frame: FrameType | None) -> None:
        del signum
        if not self._armed:
            return
        if frame is not None and frame.f_code in _UNSAFE:
            signal.setitimer(signal.ITIMER_REAL, _SOON_S, _AGAIN_S)
            return
        self._alarms += 1
        raise self._too_long() if self._alarms == 1 else _Insistence

    def _too_long(self) -> TookTooLong:
        return TookTooLong(f"did not return within {self._seconds:g} s")


_UNSAFE = (_TimeLimit.__enter__.__code__, _TimeLimit.__exit__.__code__)


def answers(
    call: Callable[[_Item], _T],
    items: Sequence[_Item],
    each_s: float,
    all_s: float = math.inf,
    first_s: float | None = None,
) -> list[_T | None]:
    """Returns what a call answers for each item; None where it raises, and from a hang on.

    What raises costs its own answer. After one that takes too long nothing more is asked: the next
    might take as long.

    Args:
        call: foreign code.
        items: what it is asked about.
        each_s: the longest that one answer may take, in seconds.
        all_s: the longest that all of them may, in seconds.
        first_s: the longest that the first one may, which may have to compile; None: as any other.
    """
    found: list[_T | None] = []
    until = time.monotonic() + all_s
    limits = itertools.chain([each_s if first_s is None else first_s], itertools.repeat(each_s))
    for item, limit_s in zip(items, limits, strict=False):
        if (left_s := until - time.monotonic()) <= 0.0:
            break
        try:
            with time_limit(min(limit_s, left_s)):
                found.append(call(item))
        except TookTooLong:
            break
        except Exception:
            found.append(None)
    return [*found, *[None] * (len(items) - len(found))]


def _restore(handler: object, timer: tuple[float, float], elapsed: float) -> None:
    """Puts back what was there before, a timer that was running less the time gone by."""
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    _set_handler(signal.SIGALRM, handler)
    left, interval = timer
    if left > 0.0:
        signal.setitimer(signal.ITIMER_REAL, max(left - elapsed, 1e-3), interval)


def first_limit_s(timeout_s: float) -> float:
    """Returns how long the first call of a kind may take, since it may compile, in seconds."""
    return max(_FIRST_TIMES * timeout_s, _FIRST_S)
