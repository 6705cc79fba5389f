"""How a campaign is seen: trackers get its commit records, displays its progress.

A tracker is fed with records that are already the truth on disk, so it can be late, repeat itself
or fail without harm: it must skip what it has logged before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TypeAlias

from curricula.campaigns.store.records import Record

Progress: TypeAlias = Callable[[str, int], None]
"""Called with the name of a branch and the env steps that it has just taken."""


class Tracker(Protocol):
    """Takes what a campaign committed."""

    def begin(self, folder: Path, config: Record) -> None:
        """Opens (or finds again) the place of this campaign; closes what a kill left open."""

    def record(self, record: Record) -> None:
        """Logs a commit, once: what it logged before is skipped."""

    def finish(self, status: str, result: Record | None) -> None:
        """Closes: "FINISHED", "KILLED" (stopped, can be resumed) or "FAILED"."""

    def tested(self, folder: Path, config: Record, result: Record) -> None:
        """Logs a use of the test that came after the campaign, or beside it."""


class Display(Protocol):
    """Shows a person how far things are."""

    def start(self, config: Record, estimate: Record) -> None:
        """The campaign begins or goes on; the estimate has steps, seconds and bytes."""

    def phase(self, generation: int, name: str, branches: Mapping[str, int]) -> None:
        """A phase of a generation begins: its branches and how many env steps each will take."""

    def steps(self, branch: str, env_steps: int) -> None:
        """A branch has taken so many env steps more."""

    def committed(self, record: Record) -> None:
        """A generation was committed."""

    def say(self, message: str) -> None:
        """A sentence worth reading."""

    def stop(self) -> None:
        """Nothing more will come."""


class NullDisplay:
    """Shows nothing."""

    def start(self, config: Record, estimate: Record) -> None:
        """Shows nothing."""

    def phase(self, generation: int, name: str, branches: Mapping[str, int]) -> None:
        """Shows nothing."""

    def steps(self, branch: str, env_steps: int) -> None:
        """Shows nothing."""

    def committed(self, record: Record) -> None:
        """Shows nothing."""

    def say(self, message: str) -> None:
        """Shows nothing."""

    def stop(self) -> None:
        """Shows nothing."""


class NullTracker:
    """Logs nothing."""

    def begin(self, folder: Path, config: Record) -> None:
        """Logs nothing."""

    def record(self, record: Record) -> None:
        """Logs nothing."""

    def finish(self, status: str, result: Record | None) -> None:
        """Logs nothing."""

    def tested(self, folder: Path, config: Record, result: Record) -> None:
        """Logs nothing."""
