"""What a campaign uses: time on a clock, processor time and memory, once a generation.

Its own process and all below it are looked at, nothing else that the machine does. The numbers are
part of the commit, so that no tracker can log them twice, however often a campaign is resumed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

_KIB = 1024


class Stopwatch:
    """Tells seconds from one call of `lap` to the next, with nothing left out in between.

    Args:
        started: reading of the clock from which the first lap counts; None: now.
        clock: seconds that never go back; a test gives its own.
    """

    def __init__(
        self, started: float | None = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._clock = clock
        self._since = clock() if started is None else started

    def lap(self) -> float:
        """Returns the seconds since the last call."""
        before, self._since = self._since, self._clock()
        return self._since - before


class Usage:
    """Counts from one call of `since_last` to the next; the first counts from the making."""

    def __init__(self) -> None:
        self._cpu_s = {process.pid: _cpu_s(process) for process in _processes()}

    def since_last(self) -> dict[str, Any]:
        """Returns what was used since the last call.

        Returns:
            "cpu_s": processor seconds of the processes that live now; one that ended meanwhile is
            left out. "peak_memory_bytes": the most that each of them ever held, added up, shared
            pages in each. "num_processes".
        """
        processes = list(_processes())
        now = {process.pid: _cpu_s(process) for process in processes}
        used = sum(max(seconds - self._cpu_s.get(pid, 0.0), 0.0) for pid, seconds in now.items())
        self._cpu_s = now
        peak = sum(map(_peak_bytes, processes))
        return {"cpu_s": used, "peak_memory_bytes": peak, "num_processes": len(processes)}


def _processes() -> Iterator[psutil.Process]:
    own = psutil.Process()
    yield own
    yield from own.children(recursive=True)


def _cpu_s(process: psutil.Process) -> float:
    """Returns the processor seconds of a process so far, 0 of one that is gone."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _peak_bytes(process: psutil.Process) -> int:
    """Returns the most memory that a process ever held; where that is not told, what it holds."""
    try:
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return _KIB * int(line.split()[1])
    except OSError:  # another kind of system, or the process is gone
        pass
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
