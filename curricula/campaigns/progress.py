"""How far a campaign is: what displays count, and how they put it into words.

`CampaignProgress` follows the calls of a display (phases, steps, commits) and knows the speed and
the time that the budget leaves; the functions put numbers and commits into a few characters.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from curricula.campaigns.points import interval, is_number, winner_of
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


def duration(seconds: float | None) -> str:
    """Returns a duration in two units at most.

    Example:
        >>> duration(7), duration(200), duration(7_300), duration(100_000), duration(None)
        ('7 s', '3 min 20 s', '2 h 1 min', '1 d 3 h', 'unknown')
    """
    if seconds is None:
        return "unknown"
    left = round(seconds)
    parts: list[tuple[int, str]] = []
    for name, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or (parts and len(parts) < 2):
            parts.append((count, name))
    shown = [f"{count} {name}" for count, name in parts[:2] if count]
    return " ".join(shown) or "0 s"


def amount(value: float) -> str:
    """Returns a count in three digits, with a unit prefix.

    Example:
        >>> amount(850), amount(12_340), amount(999_600), amount(2.5e9), amount(999.9)
        ('850', '12.3 k', '1 M', '2.5 G', '1 k')
    """
    rounded = float(f"{value:.3g}")
    for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(rounded) >= size:
            return f"{rounded / size:.3g} {prefix}"
    return f"{rounded:.3g}"


def with_interval(measure: Any) -> str:
    """Returns a measure with its 95 % interval, if it has one.

    Example:
        >>> with_interval([0.5, 0.41, 0.6]), with_interval(0.25), with_interval(None)
        ('0.500 [0.410, 0.600]', '0.250', '–')
    """
    estimate, low, high = interval(measure)
    if not is_number(estimate):
        return "–"
    return f"{estimate:.3f}" + (f" [{low:.3f}, {high:.3f}]" if is_number(low) else "")


def region_text(region: Any) -> str:
    """Returns where a parameter lives, as a record or a distribution's JSON has it.

    Example:
        >>> region_text({"low": 5, "high": 9}), region_text([0.25, 0.25])
        ('5…9', '0.25')
        >>> region_text({"rooms": 0.75, "wilson": 0.25, "kruskal": 0.0})
        'rooms 75 %, wilson 25 %'
    """
    if isinstance(region, Mapping) and set(region) != {"low", "high"}:
        shares = sorted(region.items(), key=lambda item: -item[1])
        return ", ".join(
            f"{choice} {share:.0%}".replace("%", " %") for choice, share in shares if share
        )
    low, high = (region["low"], region["high"]) if isinstance(region, Mapping) else region
    return f"{low:.4g}" if low == high else f"{low:.4g}…{high:.4g}"


def moving_regions(record: Record) -> dict[str, str]:
    """Returns where the parameters lie that are no point, or not where the campaign aims."""
    goal = (record.get("frontier") or {}).get("regions", {})
    found = {}
    for name, region in record["parameters"].items():
        here, there = region_text(region), region_text(goal[name]) if name in goal else ""
        if (there and here != there) or "…" in here:
            found[name] = here if there in ("", here) else f"{here} (aim {there})"
    return found


def decision_text(record: Record) -> str:
    """Returns which branch went on and why, in a few words."""
    decision = record.get("decision") or {}
    if record["generation"] == 0:
        return "untrained start"
    winner = winner_of(record)
    origin = winner["origin"] if winner else "where it was"
    reason = decision.get("decided_by", "–")
    return origin if reason == origin else f"{origin} by {reason}"


def gain_text(record: Record) -> str:
    """Returns the gain of the branch that went on, with its standard error.

    Where only one was trained it is that one's, whether its distribution went on or not.
    """
    candidates: list[Record] = record.get("candidates") or []
    mine = candidates[0] if len(candidates) == 1 else winner_of(record)
    if mine is None or not is_number(mine.get("gain")):
        return "–"
    error = mine.get("gain_se")
    return f"{mine['gain']:+.3f}" + (f" ± {error:.3f}" if is_number(error) else "")
