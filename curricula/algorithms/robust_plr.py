"""Robust prioritised level replay: nothing is learned from a task before it is replayed."""

from __future__ import annotations

from dataclasses import dataclass

from curricula.prioritized_replay import PrioritizedReplay
from curricula.replay import MAX_MONTE_CARLO, ReplaySettings


class RobustPLR(PrioritizedReplay):
    """Replays the tasks with the highest scores, and learns from these alone.

    New tasks are played for their scores, without a gradient (`Proposal.train` is False), so that
    what is learned from was chosen for it. At equal env steps it learns from fewer tasks than
    `plr`.

    Source:
        Jiang et al. 2021, "Replay-guided adversarial environment design" (arXiv 2110.02439), PLR⊥,
        with its settings for mazes. Where we differ: as in `plr`.
    """

    trains_on_new = False

    @dataclass(frozen=True)
    class Config(ReplaySettings):
        """As published."""

        score: str = MAX_MONTE_CARLO
        temperature: float = 0.1
