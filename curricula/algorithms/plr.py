"""Prioritised level replay: tasks that had much to teach are played again."""

from __future__ import annotations

from dataclasses import dataclass

from curricula.prioritized_replay import PrioritizedReplay
from curricula.replay import MAX_MONTE_CARLO, ReplaySettings


class PLR(PrioritizedReplay):
    """Replays the tasks with the highest scores, and learns from new and replayed tasks alike.

    A batch is replayed with `replay_prob`, new otherwise; scores of all that was played decide
    what the buffer keeps. Tasks outside of the current distribution are not replayed.

    Source:
        Jiang et al. 2021, "Prioritized level replay" (arXiv 2010.03934); the settings are those of
        Jiang et al. 2023, "minimax" (arXiv 2311.12716). There staleness is counted after each
        draw, and a level can be drawn several times for one batch; here it is counted in batches,
        and that is an option (`repeats`).
    """

    trains_on_new = True

    @dataclass(frozen=True)
    class Config(ReplaySettings):
        """As published."""

        score: str = MAX_MONTE_CARLO
