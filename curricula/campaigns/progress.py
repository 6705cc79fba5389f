"""How far a campaign is: what displays count.

`CampaignProgress` follows the calls of a display (phases, steps, commits) and knows the speed and
the time that the budget leaves. `curricula.campaigns.words` puts it into a few characters.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from curricula.campaigns.records import Record

_SPEED_WINDOW_S = 20.0


class CampaignProgress:
    """What a display has heard so far.

    Args:
        clock: seconds that never go back; a test gives its own.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.started = clock()
        self.config: dict[str, Any] = {}
        self.estimated_seconds: float | None = None
        self.generation = 0
        self.phase = "start"
        self.planned: dict[str, int] = {}
        self.taken: dict[str, int] = {}
        self.records: deque[Record] = deque(maxlen=8)
        self._phase_started = self.started
        self._recent: deque[tuple[float, int]] = deque([(self.started, 0)])
        self._total = 0
        self._last_commit = self.started

    def start(self, config: Record, estimate: Record) -> None:
        """Takes the configuration and the estimate; the clock starts here."""
        self.config = dict(config)
        self.estimated_seconds = None if estimate.get("per") else estimate.get("seconds")
        self.started = self._last_commit = self._phase_started = self._clock()

    def enter(self, generation: int, phase: str, branches: Mapping[str, int]) -> None:
        """Begins a phase."""
        self.generation, self.phase = generation, phase
        self.planned, self.taken = dict(branches), dict.fromkeys(branches, 0)
        self._phase_started = self._clock()
        self._recent = deque([(self._phase_started, self._total)])

    def add(self, branch: str, env_steps: int) -> None:
        """Counts steps of a branch."""
        self.taken[branch] = self.taken.get(branch, 0) + env_steps
        self._total += env_steps
        now = self._clock()
        self._recent.append((now, self._total))
        while len(self._recent) > 2 and now - self._recent[0][0] > _SPEED_WINDOW_S:
            self._recent.popleft()

    def commit(self, record: Record) -> bool:
        """Takes a commit; returns False for one that was the last already."""
        if self.records and self.records[-1]["generation"] == record["generation"]:
            return False
        self.records.append(record)
        self._last_commit = self._clock()
        return True

    @property
    def phase_seconds(self) -> float:
        """Seconds since the phase began."""
        return self._clock() - self._phase_started

    @property
    def steps_per_s(self) -> float:
        """Env steps a second over the last 20 seconds of the phase; 0 before there are any."""
        (first, before), (last, after) = self._recent[0], self._recent[-1]
        return (after - before) / (last - first) if last > first else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the first bound of the budget is reached, None if that cannot be said.

        Hours are what they are; env steps and generations take as long for each as they took so
        far, as the commits tell. Before the first generation is committed, the estimate counts.
        """
        budget = self.config.get("budget") or {}
        if not self.records or self.records[-1]["generation"] == 0:
            if self.estimated_seconds is None:
                return None
            return max(self.estimated_seconds - (self._clock() - self.started), 0.0)
        last, totals = self.records[-1], self.records[-1]["totals"]
        bounds = [
            _remaining(budget.get("env_steps"), totals.get("env_steps"), totals.get("seconds")),
            _remaining(budget.get("generations"), last["generation"], totals.get("seconds")),
        ]
        if budget.get("hours") is not None:
            bounds.append(3600.0 * budget["hours"] - totals.get("seconds", 0.0))
        since_commit = self._clock() - self._last_commit
        known = [max(bound - since_commit, 0.0) for bound in bounds if bound is not None]
        return min(known, default=None)


def _remaining(bound: float | None, done: float | None, seconds: float | None) -> float | None:
    if bound is None or not done or not seconds:
        return None
    return seconds / done * (bound - done)
