"""How far a campaign is: what displays count.

`CampaignProgress` follows the calls of a display (phases, steps, commits) and knows the speed and
the time that the budget leaves. `curricula.campaigns.sight.words` puts it into a few characters.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from curricula.campaigns.sight.words import counted
from curricula.campaigns.store.records import Record

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
        self.counted = "env steps"
        self.generation = 0
        self.phase = "start"
        self.planned: dict[str, int] = {}
        self.taken: dict[str, int] = {}
        self.records: deque[Record] = deque(maxlen=8)
        self._phase_started = self.started
        self._recent: deque[tuple[float, int]] = deque([(self.started, 0)])
        self._total = 0
        self._heard: float | None = None
        self._timed = (0.0, 0)
        self._estimated_env_steps: float | None = None
        self._last_commit = self.started

    def start(self, config: Record, estimate: Record) -> None:
        """Takes the configuration and the estimate; the clock starts here."""
        self.config = dict(config)
        self.counted = counted(estimate)
        whole = {} if estimate.get("per") else estimate
        self.estimated_seconds = whole.get("seconds")
        self._estimated_env_steps = whole.get("env_steps")
        self.started = self._last_commit = self._phase_started = self._clock()

    def enter(self, generation: int, phase: str, branches: Mapping[str, int]) -> None:
        """Begins a phase."""
        self.generation, self.phase = generation, phase
        self.planned, self.taken = dict(branches), dict.fromkeys(branches, 0)
        self._phase_started = self._clock()
        self._recent = deque([(self._phase_started, self._total)])
        self._heard = None

    def add(self, branch: str, env_steps: int) -> None:
        """Counts steps of a branch."""
        self.taken[branch] = self.taken.get(branch, 0) + env_steps
        self._total += env_steps
        now = self._clock()
        if self._heard is not None:  # what a phase takes before its first batch is no speed
            seconds, timed = self._timed
            self._timed = (seconds + now - self._heard, timed + env_steps)
        self._heard = now
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

        Hours are what they are; env steps and generations take as long for each as they took
        lately, as the commits tell. Before the first generation is committed, the estimate counts,
        or what is planned at the speed of training so far where that is more. It is never less than
        what is planned in this phase: a generation that is on its way is finished.
        """
        has_pace = bool(self.records) and self.records[-1]["generation"] > 0
        left = self._left_by_commits() if has_pace else self._left_by_estimate()
        if left is None:
            return None
        waiting = sum(max(n - self.taken.get(name, 0), 0) for name, n in self.planned.items())
        return max(left, self._seconds_for(waiting))

    def _left_by_estimate(self) -> float | None:
        if self.estimated_seconds is None:
            return None
        passed = self._clock() - self.started
        waiting = max((self._estimated_env_steps or 0.0) - self._total, 0.0)
        left = max(self.estimated_seconds - passed, self._seconds_for(waiting))
        hours = (self.config.get("budget") or {}).get("hours")
        return max(left if hours is None else min(left, 3600.0 * hours - passed), 0.0)

    def _left_by_commits(self) -> float | None:
        budget = self.config.get("budget") or {}
        last, totals = self.records[-1], self.records[-1]["totals"]
        # Start-up, which comes once, is booked with the first commit that this process made.
        start, booked = 0, {}
        if len(self.records) > 1:
            start, booked = self.records[0]["generation"], self.records[0]["totals"]
        seconds = totals.get("seconds", 0.0) - booked.get("seconds", 0.0)
        steps = totals.get("env_steps", 0) - booked.get("env_steps", 0)
        generations = last["generation"] - start
        bounds = [
            _remaining(budget.get("env_steps"), totals.get("env_steps"), seconds, steps),
            _remaining(budget.get("generations"), last["generation"], seconds, generations),
        ]
        if budget.get("hours") is not None:
            bounds.append(3600.0 * budget["hours"] - totals.get("seconds", 0.0))
        since_commit = self._clock() - self._last_commit
        known = [max(bound - since_commit, 0.0) for bound in bounds if bound is not None]
        return min(known, default=None)

    def _seconds_for(self, env_steps: float) -> float:
        """Returns the seconds of env steps at the speed of training so far; 0 if none is known."""
        seconds, timed = self._timed
        return seconds / timed * env_steps if timed else 0.0


def _remaining(
    bound: float | None, done: float | None, seconds: float, lately: float
) -> float | None:
    """Returns the seconds to a bound: so many seconds brought it so much nearer lately."""
    if bound is None or done is None or seconds <= 0 or lately <= 0:
        return None
    return seconds / lately * max(bound - done, 0.0)
