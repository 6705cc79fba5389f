"""A process that may die or hang without taking anybody with it.

`WatchedProcess` starts one (spawned, never forked: torch and OpenMP do not survive a fork), talks
to it over a pipe, and ends it when a call under `taskgen.watchdog.time_limit` oversteps its limit
by far: that is what code which no signal interrupts looks like from outside.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from ctypes import c_double
from multiprocessing.connection import Connection
from typing import Any

from taskgen.watchdog import tell_deadlines

_TICK_S = 0.2
_context = multiprocessing.get_context("spawn")


class ProcessLost(RuntimeError):
    """A watched process died or had to be killed; the message says how."""


class WatchedProcess:
    """Runs `target(connection, *arguments)` in a process of its own.

    Args:
        target: a function that can be pickled; it gets its end of the pipe first.
        arguments: of the target, to be pickled.
        may_have_children: whether it may start processes itself; it must then be ended by `end`.

    `connection` is this side's end of the pipe.
    """

    def __init__(
        self,
        target: Callable[..., None],
        *arguments: Any,
        may_have_children: bool = False,
    ) -> None:
        self._deadline: c_double = _context.RawValue(c_double, 0.0)
        self.connection, theirs = _context.Pipe()
        self._process = _context.Process(
            target=_run,
            args=(self._deadline, target, theirs, *arguments),
            daemon=not may_have_children,
        )
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self._process.pid is not None
        return self._process.pid

    def ask(self, question: Any) -> Any:
        """Sends a question and returns the answer.

        Raises:
            ProcessLost: if the process dies, or hangs and is killed.
        """
        try:
            self.connection.send(question)
            while not self.connection.poll(_TICK_S):
                self.check()
            return self.connection.recv()
        except (EOFError, OSError) as error:
            raise ProcessLost(self.end()) from error

    def check(self) -> None:
        """Kills the process if a call in it oversteps its limit by far.

        Raises:
            ProcessLost: if so.
        """
        deadline = self._deadline.value
        if deadline and time.monotonic() > deadline:
            self.end()
            raise ProcessLost("did not return in time, and could not be interrupted")

    def end(self) -> str:
        """Ends the process, if it has not ended by itself, and returns how it ended."""
        self._process.join(timeout=1.0 if self._is_gone() else 0.0)
        code = self._process.exitcode
        self._process.kill()
        self._process.join()
        self.connection.close()
        return _told(code)

    def _is_gone(self) -> bool:
        """Whether the other end of the pipe is closed: the process ends or has ended."""
        try:
            while self.connection.poll():
                self.connection.recv()
        except (EOFError, OSError):
            return True
        return False


def _told(code: int | None) -> str:
    if code is None:
        return "its process was ended"
    if code < 0:
        return f"its process was killed by {signal.Signals(-code).name}"
    return f"its process ended with exit code {code}"


def _run(
    deadline: c_double, target: Callable[..., None], connection: Connection, *arguments: Any
) -> None:
    """Prepares the new process: its deadlines, no ear for Ctrl-C, and no life of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    tell_deadlines(deadline)
    _die_with_parent()
    target(connection, *arguments)


def _die_with_parent() -> None:
    """Ends this process when the one that started it is gone, however it went."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
